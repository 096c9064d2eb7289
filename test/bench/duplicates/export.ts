import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';
import { createSeededRandom } from '../../../sample/seeded-random';
import { edits } from './edits';
import { createHardNegatives } from './hard-negatives';

/**
 * Writes the pairs that `confirmed` measures to a folder, for other programs: `<source>/<edit>/<number>-one.<format>` and
 * `…-other.<format>`. Sources are `photographs`, `artwork`, and `negatives`, whose edits are kinds of pairs.
 */
export async function exportPairs(job: {
  folder: string;
  photoFolder: string;
  step: number;
  offset: number;
}): Promise<number> {
  const { folder, offset, photoFolder, step } = job;
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const sources = {
    photographs: names.map((name) => () => readFile(path.join(photoFolder, name))),
    artwork: sampleLibrary.map((image) => () => renderSampleImage(image)),
  };
  let count = 0;
  const write = async (place: string, pair: { one: Buffer; other: Buffer }): Promise<void> => {
    count += 1;
    await mkdir(path.join(folder, path.dirname(place)), { recursive: true });
    for (const side of ['one', 'other'] as const) {
      const { format } = await sharp(pair[side]).metadata();
      await writeFile(path.join(folder, `${place}-${side}.${format}`), pair[side]);
    }
  };
  for (const [source, images] of Object.entries(sources)) {
    const some = images.filter((_, index) => index % step === offset);
    for (const [index, load] of some.entries()) {
      const one = await load();
      for (const { apply, name } of edits) {
        const random = createSeededRandom(`confirmed ${String(index)} ${name}`);
        await write(`${source}/${name}/${String(index)}`, { one, other: await apply(one, random) });
      }
    }
  }
  for (const split of ['tuning', 'holdout']) {
    for (const { kind, name, one, other } of await createHardNegatives(split)) {
      await write(`negatives/${kind}/${split} ${name}`, { one, other });
    }
  }
  return count;
}
