import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ViewLimits } from '../../../plugin/src/images/contract';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { findFfmpeg } from '../../../plugin/src/images/video';
import { videoOf } from '../../support/video-file';
import {
  type Color,
  clip224,
  colorAt,
  limits,
  noise,
  plain,
  reader,
  requirePixels,
} from './images';

const views: ViewLimits = { parts: 5, frames: 4, pages: 10, videoFrames: 4 };

/** A color on white, so that it isn't flat. */
async function scene(color: Color): Promise<Buffer> {
  const half = await plain(320, 120, color).png().toBuffer();
  return plain(320, 240, [255, 255, 255])
    .composite([{ input: half, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

let folder: string;
async function store(name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return file;
}
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'image-search-video-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('ffmpeg', () => {
  it('is looked for on the PATH, or where the setting says', () => {
    const found = findFfmpeg('ffmpeg');
    expect(found).toMatch(/ffmpeg$/);
    expect(findFfmpeg(found ?? '')).toBe(found);
    expect(findFfmpeg('ffmpeg', '')).toBeNull();
    expect(findFfmpeg('/nowhere/ffmpeg')).toBeNull();
  });

  it('is named when it is missing', async () => {
    const bare = createImageReader(limits, process.cwd(), '/nowhere/ffmpeg');
    const failed = bare.readVideo('/nowhere/video.mp4', { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-decoder-missing', retryable: false });
    await expect(failed).rejects.toThrow('set indexing.ffmpeg to its path');
  });
});

describe('a video', () => {
  it('has frames at even intervals as views, and the first that shows something as the whole', async () => {
    const black = await plain(320, 240, [0, 0, 0]).png().toBuffer();
    const scenes = [black, await scene([255, 0, 0]), await scene([0, 0, 255])];
    const file = await store('scenes.mp4', await videoOf([...scenes, scenes[1] ?? black]));
    const reading = await reader.readVideo(file, { preparation: clip224, views, previews: true });
    const [red, , blue] = colorAt(requirePixels(reading.prepared), 112, 50);
    expect(red - blue).toBeGreaterThan(200);
    // The fourth shows what the second does.
    expect(reading.views?.map(({ kind, number }) => [kind, number])).toEqual([['frame', 5]]);
    expect(reading.previews?.map(({ view }) => view?.number ?? 'whole')).toEqual([
      'whole',
      ...[1, 3, 5, 7],
    ]);
    expect(reading.fingerprint).toBeUndefined();
    expect(reading.size).toEqual({ width: 320, height: 240 });
  });

  it('of two hours is read by seeking', async () => {
    const scenes = [await scene([255, 0, 0]), await scene([0, 0, 255]), await scene([0, 128, 0])];
    const file = await store('long.mp4', await videoOf(scenes, { seconds: 2_400 }));
    const reading = await reader.readVideo(file, { preparation: clip224, views });
    expect(reading.views?.map(({ number }) => number)).toEqual([2_700, 6_300]);
  });

  it('that says no length is shown by its beginning', async () => {
    const file = await store(
      'live.webm',
      await videoOf([await scene([255, 0, 0])], { extension: 'webm' }),
    );
    const reading = await reader.readVideo(file, { preparation: clip224, views });
    expect(reading.views).toEqual([]);
  });

  it.each([
    ['damaged', Buffer.from('\0\0\0\x18ftypmp42 and nothing more'), 'image-unreadable'],
    ['text', Buffer.from('just text'), 'image-unreadable'],
    ['a playlist of other files', Buffer.from('#EXTM3U\n#EXTINF:1,\n/etc/hostname\n'), 'image-un'],
  ])('that is %s is refused', async (_what, bytes, code) => {
    const failed = reader.readVideo(await store('bad.mp4', bytes), { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({
      code: expect.stringContaining(code),
      retryable: false,
    });
  });

  it('with too many pixels is refused before a frame is decoded', async () => {
    const large = await noise(640, 480).png().toBuffer();
    const file = await store('large.mp4', await videoOf([large]));
    const strict = createImageReader({ ...limits, maxPixels: 10_000 });
    const failed = strict.readVideo(file, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-too-large' });
    await expect(failed).rejects.toThrow('640 × 480 pixels. The limit is 10000 pixels.');
  });

  it('is read no further once nobody waits for it', async () => {
    const file = await store('left.mp4', await videoOf([await scene([255, 0, 0])]));
    const { signal } = new AbortController();
    const leaving = AbortSignal.any([signal, AbortSignal.abort()]);
    const failed = reader.readVideo(file, { preparation: clip224, signal: leaving });
    await expect(failed).rejects.toMatchObject({ code: 'aborted' });
  });

  it('that takes too long is given up', async () => {
    const file = await store('slow.mp4', await videoOf([await scene([255, 0, 0])]));
    const hasty = createImageReader({ ...limits, timeoutMs: 1 });
    await expect(hasty.readVideo(file, { preparation: clip224 })).rejects.toMatchObject({
      code: 'image-unreadable',
    });
  });
});
