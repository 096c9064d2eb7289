import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClipProvider } from '../../../plugin/src/embedding/clip/provider';
import { cosine, openClip, prepareFor, siglipFolder } from '../../support/clip-provider';

const reference = JSON.parse(
  readFileSync(path.join(siglipFolder, 'reference.json'), 'utf8'),
) as Record<'images' | 'texts', Record<string, number[]>>;

describe('a model of the SigLIP family', () => {
  let provider: ClipProvider;
  beforeAll(async () => {
    provider = await openClip({ model: siglipFolder, dtype: 'fp32' });
  });
  afterAll(() => provider.dispose());

  it('has the vision model’s width as its dimensions and squeezes images to its size', () => {
    expect(provider.space).toMatchObject({ model: 'siglip', dimensions: 24 });
    expect(provider.imagePreparation).toEqual({
      kind: 'pixels',
      resize: { mode: 'exact', width: 12, height: 12 },
      kernel: 'cubic',
    });
  });

  it.each(Object.entries(reference.images))(
    'sees %s as the reference does',
    async (name, expected) => {
      const image = await prepareFor(provider, readFileSync(path.join(siglipFolder, name)));
      const [vector] = await provider.embedImages([image]);
      expect(cosine(vector ?? [], expected)).toBeGreaterThan(0.9995);
    },
  );

  it.each(Object.entries(reference.texts))(
    'reads "%s" as the reference does',
    async (text, expected) => {
      const [vector] = await provider.embedTexts([text]);
      expect(cosine(vector ?? [], expected)).toBeGreaterThan(0.999999);
    },
  );
});
