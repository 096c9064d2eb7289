import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { renderSampleImage, sampleLibrary } from '../../sample/library';

const repositoryFolder = path.resolve(__dirname, '../..');
const dataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);

export interface BenchImage {
  fileName: string;
  bytes: Buffer;
}

/** Photographs and a model for them where that data is at hand, else the sample library and the sample model. */
export async function loadImages(count: number): Promise<BenchImage[]> {
  const folder = path.join(dataFolder, 'photos');
  if (!existsSync(folder)) {
    return Promise.all(
      sampleLibrary.slice(0, count).map(async (image) => ({
        fileName: image.fileName,
        bytes: await renderSampleImage(image),
      })),
    );
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
  return Promise.all(
    names.slice(0, count).map(async (fileName) => ({
      fileName,
      bytes: await readFile(path.join(folder, fileName)),
    })),
  );
}

export function localModelConfig(): { provider: 'clip'; model: string; dtype: 'q8' } {
  const photographic = path.join(dataFolder, 'mini-clip');
  const model = existsSync(photographic)
    ? photographic
    : path.join(repositoryFolder, 'sample/model');
  return { provider: 'clip', model, dtype: 'q8' };
}

export async function withDataFolder<Result>(
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
