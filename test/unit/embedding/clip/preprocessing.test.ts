import { describe, expect, it } from '@jest/globals';
import { parsePreprocessing } from '../../../../plugin/src/embedding/clip/description';

describe('preprocessor_config.json', () => {
  it('of a CLIP model is resized by its shortest edge and cropped', () => {
    const { preparation, recipe } = parsePreprocessing(
      {
        do_resize: true,
        size: { shortest_edge: 336 },
        resample: 3,
        do_center_crop: true,
        crop_size: { height: 336, width: 330 },
        do_rescale: true,
        rescale_factor: 1 / 255,
        do_normalize: true,
        image_mean: [0.5, 0.25, 0],
        image_std: [0.5, 0.25, 1],
      },
      'clip',
    );
    expect(preparation).toEqual({
      kind: 'pixels',
      resize: { mode: 'shortest-edge', size: 336 },
      crop: { width: 330, height: 336 },
      kernel: 'cubic',
    });
    expect(recipe).toMatchObject({
      family: 'clip',
      width: 330,
      height: 336,
      offsets: [-1, -1, -0],
    });
    expect(recipe.factors).toEqual(
      [2 / 255, 4 / 255, 1 / 255].map((factor) => expect.closeTo(factor, 12)),
    );
  });

  it('can give sizes as plain numbers, which each model family interprets differently', () => {
    const sizes = { size: 224, crop_size: 224 };
    expect(parsePreprocessing(sizes, 'clip').preparation).toMatchObject({
      resize: { mode: 'shortest-edge', size: 224 },
      crop: { width: 224, height: 224 },
    });
    const { preparation } = parsePreprocessing(sizes, 'siglip');
    expect(preparation.resize).toEqual({ mode: 'exact', width: 224, height: 224 });
    expect(preparation).not.toHaveProperty('crop');
  });

  it.each([
    [0, 'nearest'],
    [1, 'lanczos3'],
    [2, 'linear'],
    [3, 'cubic'],
  ])('names kernel %i like Pillow: %s', (resample, kernel) => {
    expect(parsePreprocessing({ resample }, 'siglip').preparation.kernel).toBe(kernel);
  });

  it('can turn off steps that change the numbers', () => {
    const { recipe } = parsePreprocessing({ do_rescale: false, do_normalize: false }, 'siglip');
    expect(recipe).toMatchObject({ factors: [1, 1, 1], offsets: [-0, -0, -0] });
  });

  it('can pad images to a canvas, with the mean color unless another is set', () => {
    const padded = {
      size: { longest_edge: 64 },
      do_center_crop: false,
      do_pad: true,
      pad_size: { width: 64, height: 64 },
      image_mean: [0.5, 0.2, 1],
    };
    const { preparation, recipe } = parsePreprocessing(padded, 'clip');
    expect(preparation).toMatchObject({
      resize: { mode: 'fit', width: 64, height: 64 },
      pad: { width: 64, height: 64, background: [128, 51, 255] },
    });
    expect(recipe).toMatchObject({ width: 64, height: 64 });
    const white = { ...padded, background_color: [255, 255, 255] };
    expect(parsePreprocessing(white, 'clip').preparation.pad?.background).toEqual([255, 255, 255]);
  });

  it.each([
    ['an unknown kernel', { resample: 4 }, 'resample'],
    ['an unsupported kind of size', { size: { max_pixels: 9 } }, 'size'],
    [
      'images of different sizes',
      { size: { shortest_edge: 9 }, do_center_crop: false },
      'different sizes',
    ],
    ['unresized images', { do_resize: false, do_center_crop: false }, 'different sizes'],
    ['padding to no size', { do_pad: true }, 'pad_size'],
  ])('is rejected if it requires %s', (_, preprocessor, reason) => {
    expect(() => parsePreprocessing(preprocessor, 'clip')).toThrow(reason);
  });
});
