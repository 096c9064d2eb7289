import { useQuery } from '@tanstack/react-query';
import * as z from 'zod';
import { searchResponseSchema } from '../../../plugin/src/contracts/search';
import { assetSchema } from '../api/asset';
import { pluginApi } from '../api/client';

const FRESH_FOR_MS = 60_000;

const similarSchema = searchResponseSchema.extend({
  data: z.array(searchResponseSchema.shape.data.element.extend({ file: assetSchema })),
});

/**
 * The pictures that are most like one of the library, itself left out.
 *
 * @param isFindable false while nothing can be like it, for it is not indexed: asked again when it is
 */
export function useSimilarPictures(fileId: number, count: number, isFindable: boolean) {
  return useQuery({
    queryKey: ['similar-pictures', fileId, count],
    queryFn: async ({ signal }) => {
      const { data } = await pluginApi.get(`/similar/${String(fileId)}`, {
        schema: similarSchema,
        query: { 'pagination[limit]': count },
        signal,
      });
      return data.map(({ file }) => file);
    },
    staleTime: FRESH_FOR_MS,
    enabled: isFindable,
  });
}
