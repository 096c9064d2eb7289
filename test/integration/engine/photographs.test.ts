import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { createSeededRandom } from '../../../sample/seeded-random';
import { nextOfBurst } from '../../bench/duplicates/bursts';
import { edits } from '../../bench/duplicates/edits';
import { traceOf } from '../../bench/duplicates/traces';
import { describeWithTestData, testDataFolder } from '../../support/paths';
import { reader } from '../../unit/images/images';

/** Of 300: every twenty-fifth, so that neighbors by name (one photographer) are not all there is. */
const EVERY = 25;

/** Edits that are found less often, of 12: an image has a quarter of its trace's pixels in a collage. */
const LEAST: Record<string, number> = { collage: 10 };

describeWithTestData('photos', 'verdicts on photographs', () => {
  const judge = createJudge(thresholdsFor({ model: 'any' }));
  const images: { name: string; bytes: Buffer; trace: ImageTrace }[] = [];

  beforeAll(async () => {
    const folder = path.join(testDataFolder, 'photos');
    const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
    for (const name of names.sort().filter((_, index) => index % EVERY === 0)) {
      const bytes = await readFile(path.join(folder, name));
      images.push({ name, bytes, trace: await traceOf(bytes, reader) });
    }
  });

  it.each(edits)('is $expected after $name', async ({ expected, name: edit, apply }) => {
    const kinds: (string | undefined)[] = [];
    for (const { name, bytes, trace } of images) {
      const copy = await apply(bytes, createSeededRandom(`${name} ${edit}`));
      kinds.push(judge.judge(trace, await traceOf(copy, reader), 1)?.kind);
    }
    expect(kinds).toHaveLength(12);
    const right = kinds.filter((kind) => kind === expected).length;
    expect(right).toBeGreaterThanOrEqual(LEAST[edit] ?? (expected === 'same-image' ? 12 : 11));
  });

  it('is none for other photographs, however similar their embeddings', () => {
    const verdicts = images.flatMap(({ trace }, index) =>
      images.slice(index + 1).map((other) => judge.judge(trace, other.trace, 1)),
    );
    expect(verdicts).toHaveLength(66);
    expect(verdicts.filter((verdict) => verdict !== null)).toEqual([]);
  });

  it('is none for the next photograph of a burst', async () => {
    const taken: string[] = [];
    for (const { name, bytes, trace } of images) {
      const next = await nextOfBurst(bytes, createSeededRandom(`burst ${name}`));
      if (judge.judge(trace, await traceOf(next, reader), 1) !== null) taken.push(name);
    }
    expect(taken.length).toBeLessThanOrEqual(1);
  });
});
