import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ClipProvider } from '../../../plugin/src/embedding/clip/provider';
import { cosine, openClip, prepareFor } from '../../support/clip-provider';
import { describeWithTestData, testDataFolder } from '../../support/paths';

describeWithTestData('parity', 'photographs of many sizes through a CLIP model', () => {
  let provider: ClipProvider;
  beforeAll(async () => {
    provider = await openClip({ model: path.join(testDataFolder, 'mini-clip') });
  });
  afterAll(() => provider.dispose());

  it('become what they become when prepared as the model was trained', async () => {
    const folder = path.join(testDataFolder, 'parity');
    const reference = Object.entries(
      JSON.parse(readFileSync(path.join(folder, 'reference.json'), 'utf8')) as Record<
        string,
        { embedding: number[] }
      >,
    );
    const cosines: number[] = [];
    for (const [name, { embedding }] of reference) {
      const image = await prepareFor(provider, readFileSync(path.join(folder, name)));
      const [vector] = await provider.embedImages([image]);
      cosines.push(cosine(vector ?? [], embedding));
    }
    expect(cosines).toHaveLength(14);
    const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
    expect(mean).toBeGreaterThanOrEqual(0.995);
    expect(Math.min(...cosines)).toBeGreaterThanOrEqual(0.985);
  });

  it('make texts of unknown words no error of the model', async () => {
    for (const text of ['犬', '🐶']) {
      await expect(provider.embedTexts([text])).rejects.toMatchObject({ code: 'text-unknown' });
    }
    expect(await provider.embedTexts(['a dog'])).toHaveLength(1);
  });
});
