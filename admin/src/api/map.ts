import * as z from 'zod';
import { mapResponseSchema, type MapResponse } from '../../../plugin/src/contracts/map';
import { assetSchema, type Asset } from './asset';
import { pluginApi, strapiApi } from './client';

export type LibraryMap = MapResponse;

export function fetchMap(signal: AbortSignal): Promise<MapResponse> {
  return pluginApi.get('/map', { schema: mapResponseSchema, signal });
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
