import { productOf } from './search-app';
import type { StrapiApp } from './strapi-app';

/** Vectors of these files as they lie in the store, in the order of `fileIds`; null for one that has none. */
export async function storedVectors(
  app: StrapiApp,
  fileIds: readonly number[],
): Promise<(number[] | null)[]> {
  const { collection } = await productOf(app).activeSpace.get();
  const points = await collection.getMany(fileIds);
  return fileIds.map((fileId) => {
    const point = points.find((candidate) => candidate.fileId === fileId);
    return point ? [...point.vector] : null;
  });
}

/** Ids of all files that have a vector, ascending. */
export async function storedIds(app: StrapiApp): Promise<number[]> {
  const { collection } = await productOf(app).activeSpace.get();
  return (await collection.listIds(null, 10_000)).ids;
}
