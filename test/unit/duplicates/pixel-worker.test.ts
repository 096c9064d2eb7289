import { afterAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createJudging } from '../../../plugin/src/duplicates/candidate-judging';
import { fingerprintsOf } from '../../../plugin/src/duplicates/fingerprint-index';
import { PixelWorker } from '../../../plugin/src/duplicates/pixel-worker';
import { traceRaster } from '../../../plugin/src/images/looks';
import { paletteOf } from '../../../plugin/src/images/palette';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';

const worker = new PixelWorker();

afterAll(() => worker.stop());

async function rasterOf(number: number, width = 300) {
  const image = sampleLibrary[number];
  if (!image) throw new RangeError('The sample library has fewer images.');
  const { data, info } = await sharp(await renderSampleImage(image))
    .resize({ width, height: 224, fit: 'fill' })
    .flatten({ background: '#ffffff' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const size = { width: info.width, height: info.height };
  return { ...size, white: new Uint8Array(data), black: null, size };
}

describe('the thread', () => {
  it('traces an image as this thread does, with what is derived from it', async () => {
    const raster = await rasterOf(0);
    const looks = traceRaster(raster);
    expect(await worker.trace(raster)).toEqual({
      ...looks,
      derived: { colors: paletteOf(looks), fingerprints: fingerprintsOf(looks) },
    });
  });

  it('leaves the pixels to the caller', async () => {
    const raster = await rasterOf(1);
    const before = raster.white.slice();
    await worker.trace({ ...raster, black: raster.white });
    expect(raster.white).toEqual(before);
  });

  it('judges candidates as this thread does', async () => {
    const [one, narrower, other] = [await rasterOf(0), await rasterOf(0, 296), await rasterOf(5)];
    const [image, ...others] = [one, narrower, other].map((raster, number) => ({
      fileId: number,
      contentHash: String(number),
      ...traceRaster(raster),
      ...raster.size,
    }));
    if (!image) throw new RangeError('There is no image.');
    const candidates = others.map((trace) => ({ trace, similarity: 0.99, hasTile: false }));
    const task = { trace: image, candidates, model: 'mini-clip' };
    const judged = await worker.judge(task, undefined);
    expect(judged).toEqual(await createJudging()(task, undefined));
    expect(judged).toMatchObject([{ fileId: 1, verdict: { kind: 'same-image' } }]);
  });
});
