import { afterAll, describe, expect, it, jest } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import {
  createPixelConfirmation,
  type ProposedImage,
  swapSides,
} from '../../../plugin/src/duplicates/pixel-confirmation';
import { PixelWorker } from '../../../plugin/src/duplicates/pixel-worker';
import type { DuplicateVerdict } from '../../../plugin/src/matching/contract';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';
import { createSeededRandom } from '../../../sample/seeded-random';
import { edits } from '../../bench/duplicates/edits';
import { createHardNegatives } from '../../bench/duplicates/hard-negatives';
import { traceOf } from '../../bench/duplicates/traces';
import { failure } from '../../support/failures';
import { sampleImage } from '../../support/library';
import { reader } from '../images/images';

const comparer = new PixelWorker();
const judge = createJudge(thresholdsFor({ model: 'any' }));
afterAll(() => comparer.stop());

const sameImage: DuplicateVerdict = {
  kind: 'same-image',
  fingerprintDistance: 0,
  correlation: 1,
  largestDifference: 0,
};

async function imageOf(bytes: Buffer): Promise<ProposedImage> {
  return { trace: await traceOf(bytes, reader), read: () => Promise.resolve(bytes) };
}

function createConfirmation() {
  return createPixelConfirmation({ images: reader, pixels: comparer });
}

/** What becomes of a pair: proposed by the traces unless a verdict is given, then compared by the pixels. */
async function confirm(
  first: Buffer,
  second: Buffer,
  proposed?: DuplicateVerdict,
): Promise<DuplicateVerdict | null | undefined> {
  const [one, other] = [await imageOf(first), await imageOf(second)];
  const verdict = proposed ?? judge.judge(one.trace, other.trace, 1);
  return verdict ? createConfirmation()({ one, other, verdict }, undefined) : undefined;
}

async function elephant(): Promise<Buffer> {
  return sharp((await sampleImage('elephant')).bytes)
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
}

/** A file of the sample library, on white. */
async function sampleFile(fileName: string): Promise<Buffer> {
  const image = sampleLibrary.find((candidate) => candidate.fileName === fileName);
  if (!image) throw new RangeError(`The sample library has no ${fileName}.`);
  return sharp(await renderSampleImage(image))
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
}

it('are no edited versions: an onion and a peach on white, whose outlines agree', async () => {
  const [onion, peach] = [
    await sampleFile('onion-58.png'),
    await sampleFile('screenshot-2021-04-16-98.png'),
  ];
  expect(await confirm(onion, peach)).toBeNull();
});

describe('copies', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['JPEG of low quality', (image) => image.jpeg({ quality: 15 })],
    ['half the size', (image) => image.resize({ width: 200 }).webp({ quality: 60 })],
    ['brighter', (image) => image.linear(1.15, 0).jpeg({ quality: 85 })],
    ['darker', (image) => image.linear(0.85, 0).jpeg({ quality: 85 })],
    ['gray', (image) => image.greyscale().jpeg({ quality: 85 })],
    ['stronger colors', (image) => image.modulate({ saturation: 1.5 }).jpeg({ quality: 85 })],
  ])('are the same image: %s', async (_name, change) => {
    const image = await elephant();
    expect(await confirm(image, await change(sharp(image)).toBuffer())).toMatchObject({
      kind: 'same-image',
      pixels: { differences: { one: [], other: [] } },
    });
  });

  it('are edited versions with the place of what was laid over them', async () => {
    const image = await elephant();
    const { height, width } = await sharp(image).metadata();
    const side = Math.round(Math.min(width, height) / 4);
    const badge = await sharp({
      create: { width: side, height: side, channels: 3, background: '#d00020' },
    })
      .png()
      .toBuffer();
    const copy = await sharp(image)
      .composite([{ input: badge, left: 10, top: 12 }])
      .jpeg()
      .toBuffer();
    const verdict = await confirm(image, copy);
    expect(verdict).toMatchObject({ kind: 'edited' });
    const boxes = verdict?.kind === 'edited' ? verdict.pixels?.differences : undefined;
    expect(boxes?.one).toHaveLength(1);
    for (const box of [boxes?.one[0], boxes?.other[0]]) {
      expect(box?.left).toBeCloseTo(10 / width, 1);
      expect(box?.top).toBeCloseTo(12 / height, 1);
      expect(box?.width).toBeCloseTo(side / width, 1);
      expect(box?.height).toBeCloseTo(side / height, 1);
    }
  });

  it('are edited versions with their exact place when cropped', async () => {
    const image = await elephant();
    const { height, width } = await sharp(image).metadata();
    const region = { left: 0.1, top: 0.05, width: 0.8, height: 0.85 };
    const cut = {
      left: Math.round(region.left * width),
      top: Math.round(region.top * height),
      width: Math.round(region.width * width),
      height: Math.round(region.height * height),
    };
    const verdict = await confirm(image, await sharp(image).extract(cut).png().toBuffer());
    expect(verdict).toMatchObject({ kind: 'edited', pixels: { differences: { one: [] } } });
    const found = verdict?.kind === 'edited' ? verdict.alignment.region : undefined;
    expect(found?.left).toBeCloseTo(cut.left / width, 2);
    expect(found?.width).toBeCloseTo(cut.width / width, 2);
  });
});

describe('edits that a thumbnail barely shows', () => {
  it.each([
    'tilt by 5°, cropped',
    'quarter turn, left',
    'vertical flip',
    'browser frame',
    'collage',
  ])('are edited versions: %s', async (name) => {
    const edit = edits.find((one) => one.name === name);
    const image = await elephant();
    const copy = await edit?.apply(image, createSeededRandom(name));
    const verdict = await confirm(image, copy ?? image);
    expect(verdict).toMatchObject({ kind: 'edited', pixels: { differences: { one: [] } } });
    const alignment = verdict?.kind === 'edited' ? verdict.alignment : undefined;
    const isTurned = (alignment?.quarterTurns ?? 0) !== 0;
    expect(isTurned).toBe(name.startsWith('quarter') || name.startsWith('vertical'));
    expect(Math.round(Math.abs(alignment?.degrees ?? 0))).toBe(name.startsWith('tilt') ? 5 : 0);
  });
});

describe('what is laid over flat artwork', () => {
  it.each([
    ['eggplant', 'text banner'],
    ['bowling', 'text banner'],
    ['pretzel', 'sticker in the middle'],
    ['goat', 'corner logo'],
  ])('makes edited versions: %s with a %s', async (concept, name) => {
    const image = await sharp((await sampleImage(concept)).bytes)
      .flatten({ background: '#fff' })
      .resize({ width: 480 })
      .png()
      .toBuffer();
    const edit = edits.find((one) => one.name === name);
    const copy = await edit?.apply(image, createSeededRandom(`${concept} ${name}`));
    expect(await confirm(image, copy ?? image, sameImage)).toMatchObject({ kind: 'edited' });
  });
});

describe('another white balance', () => {
  /** Strong colors on white, at the ends of their channels. */
  const drawing = (paper: string, paint: string): Buffer =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300" fill="${paper}"/>` +
        `<rect x="30" y="30" width="150" height="120" fill="${paint}"/><circle cx="280" cy="170" r="70" fill="#2040ff"/>` +
        '<path d="M40 200L120 280L160 210L200 270M260 30L380 80M300 20L340 100" stroke="#333" stroke-width="9" fill="none"/></svg>',
    );
  const render = (svg: Buffer): Promise<Buffer> => sharp(svg).removeAlpha().png().toBuffer();

  it.each<[string, [number, number, number]]>([
    ['warmer', [1.1, 1, 0.88]],
    ['colder', [0.88, 1, 1.1]],
  ])('is the same image where channels are clipped: %s', async (_name, factors) => {
    const image = await render(drawing('#ffffff', '#ff2818'));
    const copy = sharp(image).linear(factors, [0, 0, 0]).jpeg({ quality: 90 });
    expect(await confirm(image, await copy.toBuffer(), sameImage)).toMatchObject({
      kind: 'same-image',
    });
  });

  it.each([
    ['#ff2818', '#e02848'],
    ['#c85a1e', '#a04a1e'],
    ['#1f3ac8', '#1f3a90'],
  ])("isn't another paint on the same paper: %s and %s", async (first, second) => {
    const [one, other] = [
      await render(drawing('#ffffff', first)),
      await render(drawing('#ffffff', second)),
    ];
    const verdict = await confirm(one, other, sameImage);
    expect(verdict?.kind).not.toBe('same-image');
  });
});

describe('one texture over the whole image', () => {
  type Rgb = readonly [number, number, number];
  const SIDE = 320;

  /** A woven or a grained one, in a color. */
  async function texture(kind: 'weave' | 'grain', color: Rgb): Promise<Buffer> {
    const random = createSeededRandom(kind);
    const data = new Uint8Array(3 * SIDE * SIDE);
    for (let place = 0; place < SIDE * SIDE; place += 1) {
      const [x, y] = [place % SIDE, Math.floor(place / SIDE)];
      const pattern =
        kind === 'weave'
          ? 0.15 * Math.sin(x / 3) * Math.sin(y / 3) + 0.1 * Math.sin(x / 37 + y / 51)
          : 0.2 * Math.sin(y / 9 + 3 * Math.sin(x / 90));
      const light = 0.78 + pattern + 0.06 * random.fraction();
      for (const [channel, value] of color.entries()) {
        data[3 * place + channel] = Math.min(255, Math.round(value * light));
      }
    }
    return sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .png()
      .toBuffer();
  }

  const shades: [string, Rgb, Rgb][] = [
    ['sand and rose', [206, 151, 138], [227, 147, 116]],
    ['oak and walnut', [181, 142, 98], [150, 112, 92]],
    ['sage and mint', [166, 184, 141], [150, 190, 160]],
    ['linen and ivory', [214, 205, 190], [216, 204, 170]],
  ];
  it.each(shades)("isn't the same in another dye: %s", async (_name, first, second) => {
    for (const kind of ['weave', 'grain'] as const) {
      const [one, other] = [await texture(kind, first), await texture(kind, second)];
      expect(await confirm(one, other, sameImage)).toBeNull();
    }
  });

  it.each(shades)('is the same image when saved again or lit differently: %s', async (_, color) => {
    for (const kind of ['weave', 'grain'] as const) {
      const image = await texture(kind, color);
      const copies = [
        sharp(image).jpeg({ quality: 40 }),
        sharp(image)
          .resize({ width: SIDE / 2 })
          .webp(),
        sharp(image).linear(1.15, 0).jpeg({ quality: 90 }),
        sharp(image).linear(0.85, 0).jpeg({ quality: 90 }),
      ];
      for (const copy of copies) {
        const verdict = await confirm(image, await copy.toBuffer(), sameImage);
        expect(verdict).toMatchObject({ kind: 'same-image' });
        expect(verdict).not.toHaveProperty('pixels.otherColors');
      }
    }
  });
});

describe('other colors', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['a warmer white balance', (image) => image.linear([1.1, 1, 0.88], [0, 0, 0])],
    ['stronger colors', (image) => image.modulate({ saturation: 1.5 })],
  ])('are kept with the pair: %s', async (_name, change) => {
    const image = await sharp((await sampleImage('pizza')).bytes)
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .png()
      .toBuffer();
    const copy = await change(sharp(image)).jpeg({ quality: 90 }).toBuffer();
    for (const [one, other] of [
      [image, copy],
      [copy, image],
    ] as const) {
      expect(await confirm(one, other, sameImage)).toMatchObject({
        kind: 'same-image',
        pixels: { otherColors: true },
      });
    }
  });
});

describe('images that only look alike in miniature', () => {
  it('are no duplicates, whatever their traces say', async () => {
    const found: string[] = [];
    for (const { name, one, other } of await createHardNegatives('unit tests', 1)) {
      const verdict = await confirm(one, other, sameImage);
      if (verdict) found.push(`${name}: ${verdict.kind}`);
    }
    expect(found).toEqual([]);
  });

  it('are no duplicates in navy and black', async () => {
    const shirt = (color: string) =>
      sharp(
        Buffer.from(
          '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><rect width="400" height="400" fill="#f8f8f8"/>' +
            `<path d="M120 80L170 60Q200 85 230 60L280 80L350 150L310 190L280 165V340H120V165L90 190L50 150Z" fill="${color}"/></svg>`,
        ),
      )
        .png()
        .toBuffer();
    const [black, navy] = [await shirt('#1e2328'), await shirt('#141946')];
    expect(await confirm(black, navy, sameImage)).toBeNull();
  });
});

describe('a file', () => {
  it('that was replaced neither confirms nor refutes anything', async () => {
    const image = await elephant();
    const one = await imageOf(image);
    const other = {
      ...(await imageOf(await sharp(image).jpeg().toBuffer())),
      read: () => Promise.resolve(image),
    };
    const confirmPair = createConfirmation();
    await expect(confirmPair({ one, other, verdict: sameImage }, undefined)).rejects.toMatchObject({
      code: 'image-missing',
    });
    const copy = await sharp(image).jpeg().toBuffer();
    const healthy = { one, other: await imageOf(copy), verdict: sameImage };
    expect(await confirmPair(healthy, undefined)).toMatchObject({ kind: 'same-image' });
  });

  it('that is missing or out of reach is an error', async () => {
    const one = await imageOf(await elephant());
    const other = await imageOf(
      await sharp(await elephant())
        .jpeg()
        .toBuffer(),
    );
    const failing = (code: 'image-missing' | 'image-unreachable') =>
      createConfirmation()(
        {
          one,
          other: { ...other, read: () => Promise.reject(failure(code, { retryable: true })) },
          verdict: sameImage,
        },
        undefined,
      );
    await expect(failing('image-missing')).rejects.toMatchObject({ code: 'image-missing' });
    await expect(failing('image-unreachable')).rejects.toMatchObject({ code: 'image-unreachable' });
  });

  it('is read once for a pair that is proposed from both sides', async () => {
    const image = await elephant();
    const [one, other] = [
      await imageOf(image),
      await imageOf(await sharp(image).jpeg().toBuffer()),
    ];
    let reads = 0;
    const counted = {
      ...other,
      read: () => {
        reads += 1;
        return other.read(undefined);
      },
    };
    const confirmPair = createConfirmation();
    const first = await confirmPair({ one, other: counted, verdict: sameImage }, undefined);
    const second = await confirmPair({ one: counted, other: one, verdict: sameImage }, undefined);
    expect(first).toMatchObject({ kind: 'same-image' });
    expect(second).toEqual(first && swapSides(first));
    expect(reads).toBe(1);
  });
});

describe('details', () => {
  it('are not read of a pair that is refuted, nor after an abort', async () => {
    const [first, second] = await Promise.all(
      ['#1e2328', '#f0a000'].map((fill) =>
        sharp(
          Buffer.from(
            `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300" fill="#fff"/><circle cx="150" cy="150" r="90" fill="${fill}"/></svg>`,
          ),
        )
          .removeAlpha()
          .png()
          .toBuffer(),
      ),
    );
    if (!first || !second) throw new Error('Not all are drawn.');
    const decoding = { ...reader, read: jest.fn(reader.read.bind(reader)) };
    const confirmPair = createPixelConfirmation({ images: decoding, pixels: comparer });
    const [one, other] = [await imageOf(first), await imageOf(second)];
    expect(await confirmPair({ one, other, verdict: sameImage }, undefined)).toBeNull();
    expect(decoding.read).toHaveBeenCalledTimes(2);

    const controller = new AbortController();
    const aborting = createPixelConfirmation({
      images: decoding,
      pixels: {
        measure: comparer.measure,
        compare: async (images) => {
          const comparison = await comparer.compare(images);
          controller.abort();
          return comparison;
        },
      },
    });
    decoding.read.mockClear();
    const image = await elephant();
    const copy = await imageOf(await sharp(image).jpeg({ quality: 90 }).toBuffer());
    const pair = { one: await imageOf(image), other: copy, verdict: sameImage };
    await expect(aborting(pair, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(decoding.read).toHaveBeenCalledTimes(2);
  });
});

describe('the thread of comparisons', () => {
  it('takes calls while the idle one before it ends', async () => {
    const own = new PixelWorker();
    const pixels = () => ({ width: 32, height: 32, data: new Uint8Array(32 * 32 * 3) });
    const compare = () =>
      own.compare({
        outer: pixels(),
        inner: pixels(),
        isMirrored: false,
        quarterTurns: 0,
        region: { left: 0, top: 0, width: 1, height: 1 },
        degrees: 0,
      });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const first = await compare();
      jest.runOnlyPendingTimers();
      expect(await compare()).toEqual(first);
    } finally {
      jest.useRealTimers();
      await own.stop();
    }
  });
});

describe('the better copy', () => {
  const qualityOf = async (first: Buffer, second: Buffer) => {
    const verdict = await confirm(first, second);
    return verdict && verdict.kind !== 'identical' ? verdict.pixels?.quality : undefined;
  };

  it('is told by what an enlargement and compression lost', async () => {
    const image = await elephant();
    const { height, width } = await sharp(image).metadata();
    const larger = await sharp(image)
      .resize(2 * width, 2 * height)
      .jpeg({ quality: 90 })
      .toBuffer();
    expect(await qualityOf(image, larger)).toMatchObject({ upscaled: 'other', edited: null });
    const smaller = await sharp(image)
      .resize(Math.round(width / 2))
      .png()
      .toBuffer();
    expect(await qualityOf(image, smaller)).toMatchObject({ upscaled: null, edited: null });
    const coarse = await sharp(await sharp(image).jpeg({ quality: 20 }).toBuffer())
      .png()
      .toBuffer();
    const detail = (await qualityOf(image, coarse))?.detail;
    expect(detail?.one).toBe(1);
    expect(detail?.other).toBeLessThan(0.9);
  });

  it.each(['border'])('is the one without a %s', async (name) => {
    const image = await elephant();
    const edit = edits.find((one) => one.name === name);
    const copy = await edit?.apply(image, createSeededRandom(name));
    if (!copy) throw new Error(`No edit is called ${name}.`);
    expect((await qualityOf(image, copy))?.edited?.side).toBe('other');
    expect((await qualityOf(copy, image))?.edited?.side).toBe('one');
  });
});
