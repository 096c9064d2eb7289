import { productOf } from './search-app';
import type { StrapiApp } from './strapi-app';

/** The stored vectors of these files, in the order of `fileIds`; null for a file without one. */
export async function storedVectors(
  app: StrapiApp,
  fileIds: readonly number[],
): Promise<(number[] | null)[]> {
  const { collection } = await productOf(app).spaces.get();
  const points = await collection.getMany(fileIds);
  return fileIds.map((fileId) => {
    const point = points.find((candidate) => candidate.fileId === fileId);
    return point ? [...point.vector] : null;
  });
}

/** Ids of all files that have a vector, ascending. */
export async function storedIds(app: StrapiApp): Promise<number[]> {
  const { collection } = await productOf(app).spaces.get();
  return (await collection.listIds(null, 10_000)).ids;
}
