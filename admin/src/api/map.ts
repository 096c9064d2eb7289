import * as z from 'zod';
import {
  mapResponseSchema,
  type MapData,
  type MapResponse,
} from '../../../plugin/src/contracts/map';
import { assetSchema, type Asset } from './asset';
import { pluginApi, strapiApi } from './client';

export type LibraryMap = MapResponse & { data: MapData };

/** @param known a map that is kept, with its files, while it is the latest one */
export async function fetchMap(
  known: LibraryMap | undefined,
  signal: AbortSignal,
): Promise<LibraryMap> {
  const { data, meta } = await pluginApi.get('/map', {
    schema: mapResponseSchema,
    query: { known: known?.meta.madeAt ?? undefined },
    signal,
  });
  if (data) return { data, meta };
  return known ? { data: known.data, meta } : fetchMap(undefined, signal);
}

const pageSchema = z.object({ results: z.array(assetSchema) });

/** Files by their ids, at most 100; those that are gone are missing. */
export async function fetchAssets(ids: readonly number[], signal: AbortSignal): Promise<Asset[]> {
  const listed = ids.map((id, index): [string, number] => [
    `filters[$and][0][id][$in][${String(index)}]`,
    id,
  ]);
  const { results } = await strapiApi.get('/upload/files', {
    schema: pageSchema,
    query: { ...Object.fromEntries(listed), page: 1, pageSize: ids.length },
    signal,
  });
  return results;
}
