import { execFile, type ExecFileException } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { abortedError, ImageSearchError } from '../errors';
import type { ImageOfFile } from './contract';
import { tookTooLong, tooLarge, unreadable } from './header';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Of address space, on systems that have this limit. */
const MAX_MEMORY_KILOBYTES = 4_000_000;
/** Of the time, after which what is there has to do. */
const SHARE_OF_TIME = 0.8;
/** The longer side of a frame that is shown. */
const SHOWN_EDGE = 1_024;
/** Containers of videos. Others, such as playlists, may make ffmpeg open other files. */
const CONTAINERS = ['mov', 'matroska', 'avi', 'mpeg', 'mpegts', 'flv', 'ogg', 'asf'];
/** Seconds up to which a view's number can say where it is. */
const LAST_SECOND = 16_383;

/**
 * The program that decodes videos.
 *
 * @param setting a path, or a name to look for on the PATH
 * @returns its path; null if it isn't there
 */
export function findFfmpeg(
  setting: string,
  searched = process.env['PATH'] ?? '',
  platform = process.platform,
): string | null {
  const folders = path.basename(setting) === setting ? searched.split(path.delimiter) : [''];
  const endings = platform === 'win32' ? ['', '.exe'] : [''];
  const files = folders.flatMap((folder) =>
    endings.map((ending) => path.resolve(folder, `${setting}${ending}`)),
  );
  return files.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export function missingFfmpeg(): ImageSearchError {
  return new ImageSearchError({
    code: 'image-decoder-missing',
    message:
      "Videos can't be read without ffmpeg. Install it (such as apt-get install ffmpeg), or set indexing.ffmpeg to its path, and restart Strapi.",
  });
}

export interface VideoOrder {
  /** Path or name of the program. */
  ffmpeg: string;
  /** How many are read at most, never more than one a second. */
  frames: number;
  /** What the shorter side of a frame is needed for, in pixels. */
  shorterEdge: number;
  maxPixels: number;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Reads frames at even intervals; the number of each is its second, from 1. ffmpeg seeks, so the length of a video hardly
 * matters. Frames that aren't read when most of the time has passed are left out, unless that's all of them.
 *
 * @throws ImageSearchError `image-decoder-missing`, `image-unsupported`, `image-unreadable`, `image-too-large` or `aborted`
 */
export async function readVideo(
  file: string,
  order: VideoOrder,
): Promise<{ images: ImageOfFile[]; isPartial: boolean }> {
  const ffmpeg = findFfmpeg(order.ffmpeg);
  if (ffmpeg === null) throw missingFfmpeg();
  const deadline = performance.now() + SHARE_OF_TIME * order.timeoutMs;
  const input = ['-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS.join(',')];
  const source = ['-i', `file:${file}`];
  const description = await run(ffmpeg, [...input, ...source], order);
  if (wasTooSlow(description.error)) throw tookTooLong(order.timeoutMs, description.error);
  const seconds = checkDescription(description.log, order);
  const images: ImageOfFile[] = [];
  let failure: ExecFileException | null = null;
  let isPartial = false;
  // The beginning is for those that say a wrong length.
  for (const second of [...secondsOf(seconds, order.frames), 0]) {
    const left = deadline - performance.now();
    if (second === 0 && images.length > 0) break;
    isPartial = left <= 0;
    if (isPartial) break;
    const call = [...input, ...frameAt(second, source, order)];
    const frame = await run(ffmpeg, call, { ...order, timeoutMs: left });
    if (frame.output.length > 0) {
      images.push({ number: Math.max(1, Math.round(second)), encoded: frame.output });
    } else failure = frame.error;
    isPartial = wasTooSlow(frame.error);
    if (isPartial) break;
  }
  if (images.length > 0) return { images, isPartial };
  if (isPartial) throw tookTooLong(order.timeoutMs, failure);
  throw unreadable('the video is damaged', failure);
}

/** Whether a run was ended by its limit of time, or of processor time. */
function wasTooSlow(error: ExecFileException | null): boolean {
  return error !== null && (error.killed === true || /^SIG(XCPU|KILL)$/.test(error.signal ?? ''));
}

/** Options that put the frame at this second on standard output, as a PNG file. */
function frameAt(second: number, source: readonly string[], order: VideoOrder): string[] {
  return [
    ...['-max_pixels', String(Math.min(order.maxPixels, 2 ** 31 - 1))],
    ...['-ss', second.toFixed(3)],
    ...source,
    ...['-an', '-sn', '-dn', '-frames:v', '1', '-vf', scaledTo(order)],
    ...['-f', 'image2pipe', '-c:v', 'png', '-compression_level', '1', 'pipe:1'],
  ];
}

/** The length in seconds; 0 if the file doesn't say. */
function checkDescription(log: string, { maxPixels }: VideoOrder): number {
  if (/not on whitelist/i.test(log)) throw unsupportedVideo('This kind of video');
  if (!log.includes('Input #0')) throw unreadable('the video is damaged', new Error(lastLine(log)));
  const stream = /Stream #.*: Video: .*/.exec(log)?.[0];
  if (stream === undefined) throw unsupportedVideo('A file with sound only');
  const [, width = 0, height = 0] = / (\d{1,6})x(\d{1,6})[ ,]/.exec(stream)?.map(Number) ?? [];
  if (width * height > maxPixels) {
    throw tooLarge(`${String(width)} × ${String(height)} pixels`, `${String(maxPixels)} pixels`);
  }
  const [, hours = 0, minutes = 0, seconds = 0] =
    /Duration: (\d+):(\d+):(\d+(?:\.\d+)?)/.exec(log)?.map(Number) ?? [];
  return (hours * 60 + minutes) * 60 + seconds;
}

function unsupportedVideo(what: string): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unsupported',
    message: `${what} can't be read. Save the video as MP4 or WebM.`,
    retryable: false,
  });
}

/** The middles of equal shares of a video, at least a second each. */
function secondsOf(length: number, frames: number): number[] {
  const known = Math.min(length, LAST_SECOND);
  const count = Math.max(1, Math.min(frames, Math.floor(known)));
  return Array.from({ length: count }, (_, index) => (known * (index + 0.5)) / count);
}

function scaledTo({ shorterEdge }: VideoOrder): string {
  // As large as both sides of a usual video need.
  const edge = String(Math.max(SHOWN_EDGE, 2 * shorterEdge));
  return `scale=w='min(${edge},iw)':h='min(${edge},ih)':force_original_aspect_ratio=decrease`;
}

interface Run {
  output: Buffer;
  /** What ffmpeg says. */
  log: string;
  error: ExecFileException | null;
}

/** Never rejects, except when the program can't be started, or is aborted. */
function run(
  ffmpeg: string,
  options: readonly string[],
  { signal, timeoutMs }: Pick<VideoOrder, 'signal' | 'timeoutMs'>,
): Promise<Run> {
  const call = [ffmpeg, '-nostdin', '-hide_banner', '-threads', '1', ...options];
  const hasLimits = process.platform === 'linux';
  // Of processor time as well, which holds even if this process is killed.
  const seconds = String(Math.ceil(timeoutMs / 1_000) + 1);
  const limited = `ulimit -v ${String(MAX_MEMORY_KILOBYTES)}; ulimit -t ${seconds}; exec "$0" "$@"`;
  const [program = '', ...rest] = hasLimits ? ['/bin/sh', '-c', limited, ...call] : call;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      rest,
      {
        encoding: 'buffer',
        maxBuffer: MAX_OUTPUT_BYTES,
        windowsHide: true,
        timeout: Math.ceil(timeoutMs),
        killSignal: 'SIGKILL',
        ...(signal && { signal }),
      },
      (error, output, log) => {
        if (signal?.aborted) reject(abortedError(signal.reason));
        else if (error?.code === 'ENOENT' || error?.code === 'EACCES') reject(missingFfmpeg());
        else resolve({ output, log: log.toString(), error });
      },
    );
  });
}

function lastLine(log: string): string {
  return log.trimEnd().split('\n').at(-1) ?? '';
}
