import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  hasReaderFor,
  kindsIndexed,
  missingReaderFor,
} from '../../../plugin/src/application/readers';
import { parseConfig } from '../../../plugin/src/config';

/** A project without any reader. */
let bare: string;
beforeAll(async () => {
  bare = await mkdtemp(path.join(tmpdir(), 'image-search-readers-'));
});
afterAll(async () => {
  await rm(bare, { recursive: true });
});

it('indexes kinds by configuration, whatever is installed', () => {
  const config = parseConfig({ indexing: { ffmpeg: '/nowhere/ffmpeg' } });
  expect(kindsIndexed(config)).toEqual(['image', 'document', 'video']);
  for (const mimeType of ['application/pdf', 'video/mp4']) {
    expect(missingReaderFor(mimeType, config, bare)).toMatchObject({
      code: 'image-decoder-missing',
    });
    expect(hasReaderFor(mimeType, config, bare)).toBe(false);
  }
  expect(missingReaderFor('image/heic', config, bare)).toBeNull();
  expect(hasReaderFor('image/heic', config, bare)).toBe(false);
});

it('sends no frames of videos to hosted models unasked', () => {
  const embedding = { provider: 'voyage', apiKey: 'secret' };
  expect(kindsIndexed(parseConfig({ embedding }))).toEqual(['image', 'document']);
  const indexing = { views: { videoFrames: 2 } };
  expect(kindsIndexed(parseConfig({ embedding, indexing }))).toContain('video');
});

it('asks for no reader of kinds that the configuration leaves out', () => {
  const views = { pages: 0, videoFrames: 0 };
  const config = parseConfig({ indexing: { views, ffmpeg: '/nowhere/ffmpeg' } });
  expect(kindsIndexed(config)).toEqual(['image']);
  expect(missingReaderFor('application/pdf', config, bare)).toBeNull();
  expect(missingReaderFor('video/mp4', config, bare)).toBeNull();
});
