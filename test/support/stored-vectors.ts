import type { Core } from '@strapi/strapi';
import type { ImageSearch } from '../../server/src/composition';

/** Vectors of these files as they lie in the store, in the order of `fileIds`; null for one that has none. */
export async function storedVectors(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<(number[] | null)[]> {
  const { collection } = await productOf(strapi).activeSpace.get();
  const points = await collection.getMany(fileIds);
  return fileIds.map((fileId) => {
    const point = points.find((candidate) => candidate.fileId === fileId);
    return point ? [...point.vector] : null;
  });
}

/** Ids of all files that have a vector, ascending. */
export async function storedIds(strapi: Core.Strapi): Promise<number[]> {
  const { collection } = await productOf(strapi).activeSpace.get();
  return (await collection.listIds(null, 10_000)).ids;
}

function productOf(strapi: Core.Strapi): ImageSearch {
  return strapi.plugin('image-search').service<ImageSearch>('image-search');
}
