import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findMissingRuntime } from '../../../../plugin/src/embedding/clip/runtime';
import { repositoryFolder } from '../../../support/paths';

describe('ONNX Runtime', () => {
  let project: string;
  beforeEach(async () => {
    project = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
  });
  afterEach(() => rm(project, { recursive: true }));

  async function write(file: string): Promise<void> {
    const target = path.join(project, 'node_modules', file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, '');
  }
  const find = () =>
    findMissingRuntime(project, [createRequire(path.join(project, 'package.json'))]);
  const binary = (platform: string) =>
    `onnxruntime-node/bin/napi-v3/${platform}/onnxruntime_binding.node`;
  const platform = `${process.platform}/${process.arch}`;

  it('comes with this plugin', () => {
    expect(findMissingRuntime(project)).toBeNull();
    expect(findMissingRuntime(repositoryFolder)).toBeNull();
  });

  it('that is missing is named, with the command of the package manager', async () => {
    await writeFile(path.join(project, 'pnpm-lock.yaml'), '');
    expect(find()).toMatchObject({
      code: 'provider-not-installed',
      retryable: false,
      message: expect.stringContaining('"pnpm add onnxruntime-web"'),
    });
  });

  it('without a binary for this platform counts as missing', async () => {
    await write('onnxruntime-node/index.js');
    await write(binary('haiku/m68k'));
    expect(find()).toMatchObject({ message: expect.stringContaining(platform.replace('/', '-')) });
  });

  it('with a binary for this platform is enough', async () => {
    await write('onnxruntime-node/dist/index.js');
    const manifest = path.join(project, 'node_modules/onnxruntime-node/package.json');
    await writeFile(manifest, JSON.stringify({ main: 'dist/index.js' }));
    await write(binary(platform));
    expect(find()).toBeNull();
  });

  it('in WebAssembly is enough', async () => {
    await write('onnxruntime-web/index.js');
    expect(find()).toBeNull();
  });
});
