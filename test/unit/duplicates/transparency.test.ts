import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import {
  createJudge,
  thresholdsFor,
  type PictureTrace,
} from '../../../plugin/src/duplicates/contract';
import { hashContent } from '../../../plugin/src/images/contract';
import { toTrace } from '../../../plugin/src/indexing/entry-preparation';
import { renderSamplePicture, sampleLibrary } from '../../../sample/library';
import { clip224, reader } from '../images/pictures';

const judge = createJudge(thresholdsFor({ model: 'any' }));
const OTHERS = 60;

async function traceOf(bytes: Buffer): Promise<PictureTrace> {
  const reading = await reader.read(bytes, { preparation: clip224, fingerprint: true });
  return toTrace(0, await hashContent(bytes), reading);
}

interface Artwork {
  name: string;
  bytes: Buffer;
  trace: PictureTrace;
}

async function render(pictures: typeof sampleLibrary): Promise<Artwork[]> {
  const rendered: Artwork[] = [];
  for (const picture of pictures) {
    const bytes = await renderSamplePicture(picture);
    rendered.push({ name: picture.fileName, bytes, trace: await traceOf(bytes) });
  }
  return rendered;
}

describe('artwork without a ground of its own', () => {
  let clear: Artwork[];
  let opaque: Artwork[];
  beforeAll(async () => {
    const originals = sampleLibrary.filter(({ duplicateOf }) => duplicateOf === undefined);
    const isClear = ({ recipe: { drawing } }: (typeof originals)[number]): boolean =>
      drawing.background.kind === 'transparent' && drawing.format !== 'jpeg';
    clear = await render(originals.filter(isClear));
    const others = originals.filter((picture) => !isClear(picture));
    opaque = await render(others.slice(0, OTHERS));
    expect(clear.length).toBeGreaterThan(20);
    expect(opaque).toHaveLength(OTHERS);
  });

  it('is known on black as well, and other artwork is not', () => {
    expect(clear.filter(({ trace }) => !trace.onBlack)).toEqual([]);
    expect(opaque.filter(({ trace }) => trace.onBlack)).toEqual([]);
  });

  it.each(['#000000', '#ffffff'])('is found again where it was saved on %s', async (background) => {
    for (const { bytes, trace } of clear) {
      const saved = sharp(bytes).resize(300).flatten({ background }).jpeg({ quality: 80 });
      const copy = await traceOf(await saved.toBuffer());
      expect(judge.judge(trace, copy, null)).toMatchObject({ kind: 'same-picture' });
      expect(judge.judge(copy, trace, null)).toMatchObject({ kind: 'same-picture' });
    }
  });

  it('is not taken for another on either ground', async () => {
    const onBlack = await Promise.all(
      clear.map(async ({ bytes, name }) => {
        const flat = await sharp(bytes).flatten({ background: '#000000' }).png().toBuffer();
        return { name, trace: await traceOf(flat) };
      }),
    );
    const mistaken = clear.flatMap(({ name, trace }) =>
      [...clear, ...onBlack, ...opaque]
        .filter((other) => other.name !== name && judge.judge(trace, other.trace, null))
        .map((other) => `${name} and ${other.name}`),
    );
    expect(mistaken).toEqual([]);
  });
});
