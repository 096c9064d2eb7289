import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clipConfigSchema } from '../../plugin/src/embedding/clip/config';
import { openClipProvider, type ClipProvider } from '../../plugin/src/embedding/clip/provider';
import type { ProviderContext } from '../../plugin/src/embedding/contract';
import type { PreparedImage } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import type { WorkerProgram } from '../../plugin/src/workers';
import { repositoryFolder } from './paths';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

/** A random model of the SigLIP family with known answers; see make.py there. */
export const siglipFolder = path.join(repositoryFolder, 'test/fixtures/siglip');

export interface ClipContext extends ProviderContext {
  logger: RecordingLogger;
  /** What `onProgress` was told. */
  progress: (string | null)[];
}

export function createClipContext(projectFolder = repositoryFolder): ClipContext {
  const progress: (string | null)[] = [];
  return {
    logger: createRecordingLogger(),
    projectFolder,
    progress,
    onProgress: (sentence) => {
      progress.push(sentence);
    },
  };
}

/** Opens a model with the settings that are given and defaults for the rest. */
export function openClip(
  settings: Partial<Omit<ReturnType<typeof clipConfigSchema.parse>, 'provider'>>,
  {
    context = createClipContext(),
    program,
  }: { context?: ClipContext; program?: WorkerProgram } = {},
): Promise<ClipProvider> {
  return openClipProvider(
    clipConfigSchema.parse({ provider: 'clip', ...settings }),
    context,
    program,
  );
}

/** A new folder under the system's own for such things, with a copy of `source` in it. */
export async function copyToTemporaryFolder(
  source: string,
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const parent = await mkdtemp(path.join(tmpdir(), 'image-search-clip-'));
  const folder = path.join(parent, path.basename(source));
  await cp(source, folder, { recursive: true });
  return { folder, remove: () => rm(parent, { recursive: true }) };
}

/** An image as this provider wants it. */
export async function prepareFor(
  { imagePreparation }: ClipProvider,
  bytes: Uint8Array,
): Promise<PreparedImage> {
  const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });
  return (await reader.read(bytes, { preparation: imagePreparation })).prepared;
}

export function cosine(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    Array.from(a).reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
  return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right));
}
