import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ModelProcess } from '../../../plugin/src/embedding/clip/model-process';
import type { ImageRecipe, ModelFamily } from '../../../plugin/src/embedding/clip/protocol';
import { createTokenize } from '../../../plugin/src/embedding/clip/tokens';
import { resolveWorker } from '../../../plugin/src/workers';
import { cosine } from '../../support/clip-provider';
import { repositoryFolder, testDataFolder } from '../../support/paths';

interface Reference {
  family: ModelFamily;
  maxTokens: number;
  /** By text; without padding. */
  tokens: number[][];
  /** How many tokens aren't padding, by text. */
  attention: number[];
  padding?: { id: number };
  /** By the index of the text. */
  textVectors?: Record<string, number[]>;
  image?: Pick<ImageRecipe, 'factors' | 'offsets'> & { size: number; vector: number[] };
}

/** What transformers.js 4.3.1 made with onnxruntime-node 1.30.0, on which vectors in use may be based. */
const { texts, models } = JSON.parse(
  readFileSync(path.join(repositoryFolder, 'test/fixtures/transformers-js/reference.json'), 'utf8'),
) as { texts: string[]; models: Record<string, Reference> };

const noFiles = { config: null, preprocessor: null, digest: null };
const folders: Record<string, string> = { 'mini-clip': path.join(testDataFolder, 'mini-clip') };
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

describe.each(Object.entries(models))('%s', (name, reference) => {
  const folder = folders[name] ?? path.join(repositoryFolder, name);
  const { family, maxTokens, padding } = reference;
  const isThere = existsSync(folder);

  (isThere ? it : it.skip)('has the tokens of transformers.js', () => {
    const tokenize = createTokenize(
      readJson(path.join(folder, 'tokenizer.json')),
      readJson(path.join(folder, 'tokenizer_config.json')),
    );
    expect(texts).toHaveLength(17);
    for (const [index, text] of texts.entries()) {
      const { ids, attention } = tokenize(text, { family, maxTokens });
      const count = reference.attention[index] ?? 0;
      const expected = reference.tokens[index] ?? [];
      const filler = padding === undefined ? [] : Array<number>(maxTokens - count).fill(padding.id);
      expect(ids).toEqual([...expected, ...filler]);
      expect(attention).toEqual(ids.map((_, position) => (position < count ? 1 : 0)));
    }
  });

  const { textVectors, image } = reference;
  if (textVectors === undefined || image === undefined) return;
  it('has the vectors of transformers.js', async () => {
    const dtype = family === 'clip' ? 'q8' : 'fp32';
    const source = { kind: 'folder' as const, path: folder };
    const model = new ModelProcess({
      program: resolveWorker('clip'),
      order: { source, dtype, threads: 1, projectFolder: repositoryFolder },
      files: noFiles,
      readFiles: () => Promise.resolve(noFiles),
      idleMs: 0,
      onProgress: () => undefined,
      onDeath: () => undefined,
    });
    const indexes = Object.keys(textVectors);
    const inputs = indexes.map((index) => texts[Number(index)] ?? '');
    const recipe = { family, maxTokens };
    const vectors = await model.embed({ kind: 'texts', texts: inputs, recipe });
    expect(
      vectors.map((vector, at) => cosine(vector, textVectors[indexes[at] ?? ''] ?? [])),
    ).toEqual(indexes.map(() => expect.closeTo(1, 4)));
    const { size, vector: expected, ...scaling } = image;
    const pixels = new Uint8Array(size * size * 3).map((_, index) => {
      const [x, y, channel] = [
        Math.floor(index / 3) % size,
        Math.floor(index / 3 / size),
        index % 3,
      ];
      return x * 7 + y * 13 + channel * 29 + ((x * y) % 31);
    });
    const imageRecipe = { family, width: size, height: size, ...scaling };
    const [vector = []] = await model.embed({
      kind: 'images',
      images: [pixels],
      recipe: imageRecipe,
    });
    expect(cosine(vector, expected)).toBeCloseTo(1, 4);
    await model.dispose();
  });
});
