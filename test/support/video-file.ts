import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../../plugin/src/images/video';

const run = promisify(execFile);

/**
 * A video that shows these images one after another, each for as many seconds. A WebM file is made as browsers record it,
 * without its length.
 */
export async function videoOf(
  images: readonly Buffer[],
  { seconds = 2, extension = 'mp4' }: { seconds?: number; extension?: 'mp4' | 'webm' } = {},
): Promise<Buffer> {
  const ffmpeg = findFfmpeg('ffmpeg');
  if (ffmpeg === null) throw new Error('There is no ffmpeg on the PATH.');
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-video-'));
  try {
    for (const [index, image] of images.entries()) {
      await writeFile(path.join(folder, `${String(index)}.png`), image);
    }
    const input = ['-framerate', `1/${String(seconds)}`, '-i', path.join(folder, '%d.png')];
    const file = path.join(folder, `video.${extension}`);
    const output =
      extension === 'mp4'
        ? ['-c:v', 'mpeg4', '-q:v', '3', file]
        : ['-c:v', 'libvpx', '-f', 'webm', 'pipe:1'];
    const { stdout } = await run(
      ffmpeg,
      ['-nostdin', '-loglevel', 'error', ...input, '-r', '5', '-pix_fmt', 'yuv420p', ...output],
      { encoding: 'buffer', maxBuffer: 100_000_000 },
    );
    return extension === 'mp4' ? await readFile(file) : stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
