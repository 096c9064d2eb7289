import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { detectPackageManager } from '../../plugin/src/package-manager';

describe("a project's package manager", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (file: string, content = ''): Promise<void> =>
    writeFile(path.join(folder, file), content);
  const detect = (userAgent?: string) => {
    const { name, version } = detectPackageManager(folder, { npm_config_user_agent: userAgent });
    return { name, version };
  };

  it.each([
    ['package-lock.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
  ])('is the one of its lock file: %s', async (file, name) => {
    await write(file);
    expect(detect('bun/1.2.0 node/v22.6.0')).toEqual({ name, version: null });
  });

  it('is the one that its package.json names, rather than that of a lock file', async () => {
    await write('yarn.lock');
    await write('package.json', JSON.stringify({ packageManager: 'pnpm@10.4.1+sha512.abcdef' }));
    expect(detect('npm/11.0.0 node/v20.19.0')).toEqual({ name: 'pnpm', version: '10.4.1' });
  });

  it('is that of the workspace around it', async () => {
    await write('pnpm-lock.yaml');
    await write('package.json', 'not JSON');
    folder = path.join(folder, 'apps/site');
    await mkdir(folder, { recursive: true });
    try {
      expect(detect()).toEqual({ name: 'pnpm', version: null });
    } finally {
      folder = path.resolve(folder, '../..');
    }
  });

  it('has the version of the one that runs, if it is the same', async () => {
    await write('yarn.lock');
    expect(detect('yarn/4.9.1 npm/? node/v22.0.0 linux x64')).toEqual({
      name: 'yarn',
      version: '4.9.1',
    });
    expect(detect('npm/11.0.0 node/v22.0.0')).toEqual({ name: 'yarn', version: null });
  });

  it('is the one that runs if nothing in the project tells, and npm otherwise', () => {
    expect(detect('pnpm/10.2.0 npm/? node/v22.0.0')).toEqual({ name: 'pnpm', version: '10.2.0' });
    expect(detect()).toEqual({ name: 'npm', version: null });
  });

  it.each([
    ['npm@11.0.0', 'npm install a b', 'npm rebuild a --ignore-scripts=false', 'npx a doctor'],
    ['pnpm@10.4.1', 'pnpm add a b', 'pnpm approve-builds', 'pnpm exec a doctor'],
    ['yarn@4.9.1', 'yarn add a b', 'yarn rebuild a', 'yarn a doctor'],
    ['yarn@1.22.0', 'yarn add a b', 'npm rebuild a --ignore-scripts=false', 'yarn a doctor'],
  ])('knows its commands: %s', async (packageManager, install, build, execute) => {
    await write('package.json', JSON.stringify({ packageManager }));
    const manager = detectPackageManager(folder);
    expect(manager.install('a', 'b')).toBe(install);
    expect(manager.build('a')).toBe(build);
    expect(manager.execute('a doctor')).toBe(execute);
  });
});
