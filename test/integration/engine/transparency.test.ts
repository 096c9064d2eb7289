import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { hashContent } from '../../../plugin/src/images/trace';
import { toTrace } from '../../../plugin/src/indexing/entry-preparation';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';
import { clip224, reader } from '../../unit/images/images';

const judge = createJudge(thresholdsFor({ model: 'any' }));
const OTHERS = 60;

async function traceOf(bytes: Buffer): Promise<ImageTrace> {
  const reading = await reader.read(bytes, { preparation: clip224, fingerprint: true });
  return toTrace(0, await hashContent(bytes), reading);
}

interface Artwork {
  name: string;
  bytes: Buffer;
  trace: ImageTrace;
}

async function render(images: typeof sampleLibrary): Promise<Artwork[]> {
  const rendered: Artwork[] = [];
  for (const image of images) {
    const bytes = await renderSampleImage(image);
    rendered.push({ name: image.fileName, bytes, trace: await traceOf(bytes) });
  }
  return rendered;
}

describe('artwork with a transparent background', () => {
  let clear: Artwork[];
  let opaque: Artwork[];
  beforeAll(async () => {
    const originals = sampleLibrary.filter(({ duplicateOf }) => duplicateOf === undefined);
    const isClear = ({ recipe: { drawing } }: (typeof originals)[number]): boolean =>
      drawing.background.kind === 'transparent' && drawing.format !== 'jpeg';
    clear = await render(originals.filter(isClear));
    const others = originals.filter((image) => !isClear(image));
    opaque = await render(others.slice(0, OTHERS));
    expect(clear.length).toBeGreaterThan(20);
    expect(opaque).toHaveLength(OTHERS);
  });

  it('is also fingerprinted on black, unlike opaque artwork', () => {
    expect(clear.filter(({ trace }) => !trace.onBlack)).toEqual([]);
    expect(opaque.filter(({ trace }) => trace.onBlack)).toEqual([]);
  });

  it.each(['#000000', '#ffffff'])('is recognized when saved on %s', async (background) => {
    for (const { bytes, trace } of clear) {
      const saved = sharp(bytes).resize(300).flatten({ background }).jpeg({ quality: 80 });
      const copy = await traceOf(await saved.toBuffer());
      expect(judge.judge(trace, copy, null)).toMatchObject({ kind: 'same-image' });
      expect(judge.judge(copy, trace, null)).toMatchObject({ kind: 'same-image' });
    }
  });

  it("isn't mistaken for other artwork on either background", async () => {
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
