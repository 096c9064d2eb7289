import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readEmojiConcepts } from '../../sample/evaluation/concepts';
import type { Embedder } from '../../sample/evaluation/embedder';
import { measureSampleModel, type SampleModelFigures } from '../../sample/evaluation/figures';
import { sampleModelFolder } from '../support/paths';
import { openSampleEmbedder } from '../support/sample-embedder';

/** Thousands of images pass through the model. */
const MEASURING_MS = 600_000;
/** Processors round differently: a query or two may fall to the other side. */
const ROUNDING = 0.01;

const recorded = JSON.parse(
  readFileSync(path.join(sampleModelFolder, 'figures.json'), 'utf8'),
) as SampleModelFigures;

describe('the sample model, on all emoji and the sample library', () => {
  let embedder: Embedder;
  let figures: SampleModelFigures;

  beforeAll(async () => {
    embedder = await openSampleEmbedder();
    figures = await measureSampleModel(embedder, readEmojiConcepts());
  }, MEASURING_MS);

  afterAll(() => embedder.close());

  test('names find their images in a style that was never learned', () => {
    expect(figures.concepts).toBeGreaterThan(1_600);
    expect(figures.names.twemoji.first).toBeGreaterThanOrEqual(0.7);
    expect(figures.names.twemoji.five).toBeGreaterThanOrEqual(0.86);
  });

  test.each([
    ['de', 0.64],
    ['fr', 0.64],
    ['es', 0.64],
    ['ja', 0.61],
    ['zh', 0.62],
  ] as const)('names in "%s" do so too', (language, least) => {
    expect(figures.languages[language].first).toBeGreaterThanOrEqual(least);
  });

  test('categories find what belongs to them', () => {
    expect(figures.categories.twemoji.mean).toBeGreaterThanOrEqual(0.77);
    expect(figures.categories.noto.mean).toBeGreaterThanOrEqual(0.88);
  });

  test('an image finds the same thing in another style', () => {
    expect(figures.acrossStyles.first).toBeGreaterThanOrEqual(0.63);
  });

  test('a poor copy finds its original', () => {
    for (const share of [figures.copies['JPEG of quality 30'], figures.copies['48 pixels']]) {
      expect(share).toBeGreaterThanOrEqual(0.99);
    }
  });

  test('everyday queries find what a person would call right', () => {
    expect(figures.everyday.queries).toBeGreaterThanOrEqual(20);
    expect(figures.everyday.precisionOfFirstFive).toBeGreaterThanOrEqual(0.48);
  });

  test('config.json names the score below which nothing is close', () => {
    const { image_search: settings } = JSON.parse(
      readFileSync(path.join(sampleModelFolder, 'config.json'), 'utf8'),
    ) as { image_search: { close_score: number } };
    const { closeScore, names, broad, madeUp, unrelated } = figures.closeness;
    expect(settings.close_score).toBeCloseTo(closeScore, 1);
    expect(names.above / names.queries).toBeGreaterThanOrEqual(0.97);
    expect(broad.above / broad.queries).toBeGreaterThanOrEqual(0.9);
    expect(madeUp.below / madeUp.queries).toBeGreaterThanOrEqual(0.85);
    expect(unrelated.below / unrelated.queries).toBeGreaterThanOrEqual(0.65);
  });

  test('figures.json, which the model card quotes, tells what is measured', () => {
    for (const style of ['noto', 'twemoji'] as const) {
      expect(Math.abs(figures.names[style].first - recorded.names[style].first)).toBeLessThan(
        ROUNDING,
      );
    }
    expect(Math.abs(figures.acrossStyles.first - recorded.acrossStyles.first)).toBeLessThan(
      ROUNDING,
    );
  });
});

test('the whole model stays below six megabytes', () => {
  const files = readdirSync(sampleModelFolder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  );
  const bytes = files.map(({ parentPath, name }) => statSync(path.join(parentPath, name)).size);
  expect(files.length).toBeGreaterThan(5);
  expect(bytes.reduce((total, size) => total + size, 0)).toBeLessThan(6e6);
});
