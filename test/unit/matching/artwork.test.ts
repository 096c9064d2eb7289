import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';
import { traceOf } from '../../bench/duplicates/traces';
import { reader } from '../images/images';

const judge = createJudge(thresholdsFor({ model: 'any' }));
const concepts = ['guitar', 'teapot', 'bicycle', 'owl', 'castle', 'dog', 'sunflower', 'elephant'];

async function imageOf(concept: string): Promise<Buffer> {
  const image = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!image) throw new RangeError(`The sample library shows no ${concept}.`);
  return renderSampleImage(image);
}

describe('verdicts on artwork', () => {
  let original: Buffer;
  let trace: ImageTrace;
  beforeAll(async () => {
    original = await imageOf('elephant');
    trace = await traceOf(original, reader);
  });

  it('is identical for the same bytes, even without anything else', () => {
    const { contentHash } = trace;
    const unread = { contentHash, fingerprint: null, thumbnail: null, width: 1, height: 1 };
    expect(judge.judge(trace, unread, null)).toEqual({ kind: 'identical' });
    expect(judge.judge(trace, { ...unread, contentHash: 'another' }, 1)).toBeNull();
  });

  it('is the same image for a smaller copy, with or without a model', async () => {
    const copy = await traceOf(await sharp(original).resize(200).webp().toBuffer(), reader);
    expect(judge.judge(trace, copy, null)).toMatchObject({ kind: 'same-image' });
    expect(judge.judge(trace, copy, 0)).toMatchObject({ kind: 'same-image' });
  });

  it('is never an edited version when the similarity is NaN', async () => {
    const copy = await traceOf(await sharp(original).flop().png().toBuffer(), reader);
    expect(judge.judge(trace, copy, 1)).toMatchObject({ kind: 'edited' });
    expect(judge.judge(trace, copy, Number.NaN)).toBeNull();
  });

  it('is an edited version for a mirrored crop, with its region', async () => {
    const { width, height } = await sharp(original).metadata();
    const part = { width: Math.round(width * 0.8), height: Math.round(height * 0.8) };
    const cut = await sharp(original)
      .extract({ left: width - part.width, top: 0, ...part })
      .png()
      .toBuffer();
    const copy = await traceOf(await sharp(cut).flop().png().toBuffer(), reader);
    const verdict = judge.judge(trace, copy, 0.9);
    expect(verdict).toMatchObject({
      kind: 'edited',
      similarity: 0.9,
      alignment: {
        inner: 'other',
        isMirrored: true,
        region: {
          left: expect.closeTo(0.2, 1),
          top: expect.closeTo(0, 1),
          width: expect.closeTo(0.8, 1),
          height: expect.closeTo(0.8, 1),
        },
      },
    });
    expect(judge.judge(trace, copy, 0.1)).toBeNull();
    expect(judge.judge(trace, copy, null)).toBeNull();
  });

  it('is an edited version for a copy that is turned and was saved on black', async () => {
    const clear = await imageOf('lady-beetle');
    const turned = await sharp(clear).rotate(90).flatten({ background: '#000' }).jpeg().toBuffer();
    const [one, other] = [await traceOf(clear, reader), await traceOf(turned, reader)];
    expect(one.onBlack).toBeDefined();
    expect(judge.isPromising(one, other)).toBe(true);
    expect(judge.judge(one, other, 0.9)).toMatchObject({
      kind: 'edited',
      alignment: { quarterTurns: 3 },
    });
  });

  it('is none for other drawings, however similar their embeddings', async () => {
    const traces = await Promise.all(
      concepts.map(async (concept) => traceOf(await imageOf(concept), reader)),
    );
    const verdicts = traces.flatMap((one, index) =>
      traces.slice(index + 1).map((other) => judge.judge(one, other, 1)),
    );
    expect(verdicts).toHaveLength(28);
    expect(verdicts.filter((verdict) => verdict !== null)).toEqual([]);
  });

  it('is none for flat images, which all look the same', async () => {
    const flat = async (color: string): Promise<ImageTrace> =>
      traceOf(
        await sharp({ create: { width: 300, height: 300, channels: 3, background: color } })
          .png()
          .toBuffer(),
        reader,
      );
    expect(judge.judge(await flat('#336699'), await flat('#993366'), 1)).toBeNull();
  });
});
