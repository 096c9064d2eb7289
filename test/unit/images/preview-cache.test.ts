import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { PreviewCache } from '../../../plugin/src/images/preview-cache';
import { createRecordingLogger } from '../../support/recording-logger';

let parent: string;
let folder: string;
const logger = createRecordingLogger();
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'image-search-previews-'));
  folder = path.join(parent, 'previews');
});
afterEach(async () => {
  await rm(parent, { recursive: true });
});

const page = { kind: 'page', number: 2 } as const;

it('returns what was kept, by file and view', async () => {
  const cache = new PreviewCache({ folder, maxBytes: 1_000, logger });
  expect(await cache.get('a', undefined)).toBeNull();
  await cache.put('a', [{ webp: Buffer.from('whole') }, { view: page, webp: Buffer.from('two') }]);
  expect(String(await cache.get('a', undefined))).toBe('whole');
  expect(String(await cache.get('a', page))).toBe('two');
  expect(await cache.get('b', page)).toBeNull();
});

it('deletes what was used least recently when there is too much, whoever wrote it', async () => {
  const cache = new PreviewCache({ folder, maxBytes: 1_000, logger });
  await cache.put('old', [{ webp: Buffer.alloc(400) }]);
  await cache.put('older', [{ webp: Buffer.alloc(400) }]);
  await utimes(path.join(folder, 'older-whole.webp'), new Date(0), new Date(0));
  await utimes(path.join(folder, 'old-whole.webp'), new Date(1_000), new Date(1_000));
  const other = new PreviewCache({ folder, maxBytes: 1_000, logger });
  await other.put('new', [{ webp: Buffer.alloc(400) }]);
  expect((await readdir(folder)).sort()).toEqual(['new-whole.webp', 'old-whole.webp']);
});

it("deletes all of a file's, and only these", async () => {
  const cache = new PreviewCache({ folder, maxBytes: 1_000, logger });
  await cache.remove('a');
  await cache.put('a', [{ webp: Buffer.from('whole') }, { view: page, webp: Buffer.from('two') }]);
  await cache.put('ab', [{ webp: Buffer.from('other') }]);
  await cache.remove('a');
  expect(await readdir(folder)).toEqual(['ab-whole.webp']);
  expect(logger.lines).toEqual([]);
});

it('keeps nothing with a limit of 0, and warns where the disk refuses', async () => {
  const none = new PreviewCache({ folder, maxBytes: 0, logger });
  await none.put('a', [{ webp: Buffer.from('whole') }]);
  expect(await none.get('a', undefined)).toBeNull();
  const broken = new PreviewCache({ folder: '/dev/null/previews', maxBytes: 10, logger });
  await broken.put('a', [{ webp: Buffer.from('whole') }]);
  expect(logger.lines.at(-1)).toMatchObject({ level: 'warn' });
});
