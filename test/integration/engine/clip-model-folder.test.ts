import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { clipConfigSchema } from '../../../plugin/src/embedding/clip/config';
import { locateModel, nameOfModel } from '../../../plugin/src/embedding/clip/description';
import {
  copyToTemporaryFolder,
  createClipContext,
  openClip,
  siglipFolder,
} from '../../support/clip-provider';
import { repositoryFolder } from '../../support/paths';
import { hidePackage, wrapWorker } from '../../support/wrapped-worker';

const locate = (model: string) =>
  locateModel(clipConfigSchema.parse({ provider: 'clip', model }), repositoryFolder);

describe('embedding.model', () => {
  it.each(['./sample/model', 'sample/model', path.join(repositoryFolder, 'sample/model')])(
    'is a folder when it is a path or exists: %s',
    (model) => {
      expect(locate(model)).toEqual({
        kind: 'folder',
        path: path.join(repositoryFolder, 'sample/model'),
      });
    },
  );

  it('is a name of the hub otherwise, cached below the project', () => {
    expect(locate('Xenova/clip-vit-base-patch32')).toEqual({
      kind: 'hub',
      name: 'Xenova/clip-vit-base-patch32',
      cacheFolder: path.join(repositoryFolder, '.cache/image-search'),
      allowDownloads: true,
      endpoint: null,
    });
  });

  it('gives the space a name without a path', () => {
    expect(nameOfModel(locate('./sample/model'))).toBe('model');
    expect(nameOfModel(locate('Xenova/clip-vit-base-patch32'))).toBe(
      'Xenova/clip-vit-base-patch32',
    );
  });
});

describe('a model folder', () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ folder, remove } = await copyToTemporaryFolder(siglipFolder));
  });
  afterEach(() => remove());

  async function spaceId(): Promise<string> {
    const provider = await openClip({ model: folder, dtype: 'fp32' });
    await provider.dispose();
    return provider.space.id;
  }

  it('has the same space wherever it is, and another one with other weights', async () => {
    const original = await openClip({ model: siglipFolder, dtype: 'fp32' });
    await original.dispose();
    expect(await spaceId()).toBe(original.space.id);
    await appendFile(path.join(folder, 'onnx/text_model.onnx'), 'another weight');
    expect(await spaceId()).not.toBe(original.space.id);
  });

  it.each([
    ['says nothing', {}, null],
    ['leaves it open', { image_search: {} }, null],
    ['states a score', { image_search: { close_score: 0.27 } }, 0.27],
  ])('has the close score of a config.json that %s', async (_what, addition, expected) => {
    await addToConfig(addition);
    const provider = await openClip({ model: folder, dtype: 'fp32' });
    await provider.dispose();
    expect(provider.closeScore).toBe(expected);
  });

  it.each([[1.5], ['0.27']])('is refused with the close score %j', async (score) => {
    await addToConfig({ image_search: { close_score: score } });
    await expect(openClip({ model: folder, dtype: 'fp32' })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('image_search.close_score'),
    });
  });

  async function addToConfig(addition: object): Promise<void> {
    const file = path.join(folder, 'config.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...config, ...addition }));
  }

  it('can be relative to the project folder', async () => {
    const context = createClipContext(path.dirname(folder));
    const provider = await openClip({ model: path.basename(folder), dtype: 'fp32' }, { context });
    await provider.dispose();
    expect(provider.space.model).toBe(path.basename(folder));
    expect(JSON.stringify(provider.space)).not.toContain(path.dirname(folder));
  });

  it("that doesn't exist is named", async () => {
    const failed = openClip({ model: path.join(folder, 'nowhere') });
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow(/nowhere" \(embedding\.model\) doesn't exist/);
  });

  it('that is incomplete is named with all missing files', async () => {
    await rm(path.join(folder, 'tokenizer.json'));
    const failed = openClip({ model: folder, dtype: 'q8' });
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow(
      'is missing tokenizer.json, onnx/text_model_quantized.onnx, onnx/vision_model_quantized.onnx.',
    );
  });

  it('with damaged weights is rejected when they are needed', async () => {
    await writeFile(path.join(folder, 'onnx/text_model.onnx'), 'no weights');
    const provider = await openClip({ model: folder, dtype: 'fp32' });
    const failed = provider.embedTexts(['a cat']);
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow('may be damaged');
    await provider.dispose();
  });

  it('that is too new for the runtime is told from a damaged one', async () => {
    const file = path.join(folder, 'onnx/text_model.onnx');
    const weights = await readFile(file);
    // The first field of an ONNX file is its version.
    expect(weights[0]).toBe(8);
    weights[1] = 99;
    await writeFile(file, weights);
    const provider = await openClip({ model: folder, dtype: 'fp32' });
    const failed = provider.embedTexts(['a cat']);
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow('needs a newer ONNX Runtime than onnxruntime-node 1.17.0');
    await provider.dispose();
  });

  it.each([
    ['config.json', { model_type: 'bert' }, 'config.json'],
    ['preprocessor_config.json', { resample: 5 }, 'resample'],
  ])('whose %s asks for something else is refused', async (file, changes, reason) => {
    const name = path.join(folder, file);
    const content = JSON.parse(await readFile(name, 'utf8')) as object;
    await writeFile(name, JSON.stringify({ ...content, ...changes }));
    const failed = openClip({ model: folder, dtype: 'fp32' });
    await expect(failed).rejects.toMatchObject({ code: 'config-invalid', retryable: false });
    await expect(failed).rejects.toThrow(reason);
  });
});

describe('the digest of a model folder', () => {
  it('is computed again only when a file has changed', async () => {
    const { folder, remove } = await copyToTemporaryFolder(siglipFolder);
    const cacheFolder = path.join(path.dirname(folder), 'cache');
    const open = async () => {
      const provider = await openClip({ model: folder, dtype: 'fp32', cacheFolder });
      await provider.dispose();
      return provider.space.id;
    };
    const original = await open();
    const digests = path.join(cacheFolder, 'digests.json');
    const remembered = await readFile(digests, 'utf8');
    // Another digest shows where the next one comes from.
    await writeFile(
      digests,
      remembered.replace(/"digest": "\w+"/, `"digest": "${'0'.repeat(64)}"`),
    );
    expect(await open()).not.toBe(original);
    await appendFile(path.join(folder, 'onnx/text_model.onnx'), 'another weight');
    const changed = await open();
    expect(changed).not.toBe(original);
    expect(await readFile(digests, 'utf8')).not.toContain('0'.repeat(64));
    await writeFile(digests, 'no JSON');
    expect(await open()).toBe(changed);
    await remove();
  });
});

describe('a project without a runtime', () => {
  it('gets instructions to install one', async () => {
    const project = await mkdtemp(path.join(tmpdir(), 'image-search-empty-'));
    const { program, folder } = await wrapWorker('clip', hidePackage('onnxruntime-node'));
    const provider = await openClip(
      { model: siglipFolder, dtype: 'fp32' },
      { context: createClipContext(project), program },
    );
    const failed = provider.embedTexts(['a cat']);
    await expect(failed).rejects.toMatchObject({
      code: 'provider-not-installed',
      retryable: false,
    });
    await expect(failed).rejects.toThrow('npm install onnxruntime-web');
    await provider.dispose();
    await Promise.all([project, folder].map((folder) => rm(folder, { recursive: true })));
  });
});
