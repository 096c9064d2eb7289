import * as z from 'zod';
import { checkResponseSchema } from '../../../plugin/src/contracts/duplicates';
import { searchResponseSchema, type FacetName } from '../../../plugin/src/contracts/search';
import { assetSchema } from './asset';
import { pluginApi } from './client';

const hitSchema = searchResponseSchema.shape.data.element.extend({ file: assetSchema });
const responseSchema = searchResponseSchema.extend({ data: z.array(hitSchema) });

const matchSchema = checkResponseSchema.shape.data.element.extend({ file: assetSchema });
const checkSchema = checkResponseSchema.extend({ data: z.array(matchSchema) });

export type SearchHit = z.output<typeof hitSchema>;
export type SearchResponse = z.output<typeof responseSchema>;
/** Files that show the same as an image, best match first. */
export type CheckResponse = z.output<typeof checkSchema>;

/** A search request without its image and its page. */
export type SearchFields = Record<string, unknown>;

/** One page of a search. */
export function search(request: {
  fields: SearchFields;
  /** An image that is not in the library; the request is then sent as a form. */
  image: Blob | null;
  pagination: { start: number; limit: number };
  signal: AbortSignal;
}): Promise<SearchResponse> {
  const { fields, image, pagination, signal } = request;
  const body = { ...fields, pagination };
  return pluginApi.post('/search', {
    schema: responseSchema,
    body: image === null ? body : toForm(body, image),
    signal,
  });
}

export type Facets = NonNullable<SearchResponse['meta']['facets']>;

/** How many images a search finds of each kind. */
export async function countFacets({
  facets,
  fields,
  ...request
}: {
  facets: readonly FacetName[];
  fields: SearchFields;
  image: Blob | null;
  signal: AbortSignal;
}): Promise<Facets | null> {
  const { meta } = await search({
    ...request,
    fields: { ...fields, facets: facets.join(',') },
    pagination: { start: 0, limit: 1 },
  });
  return meta.facets ?? null;
}

/** When the oldest image was uploaded; null if there is none. */
export async function findOldest(signal: AbortSignal): Promise<Date | null> {
  const { data } = await search({
    fields: { filters: { createdAt: { $notNull: true } }, sort: 'createdAt:asc' },
    image: null,
    pagination: { start: 0, limit: 1 },
    signal,
  });
  const createdAt = data[0]?.file.createdAt;
  return createdAt ? new Date(createdAt) : null;
}

/** The files that show the same as an image. */
export function checkImage(image: Blob, signal: AbortSignal): Promise<CheckResponse> {
  return pluginApi.post('/check', { schema: checkSchema, body: toForm({}, image), signal });
}

function toForm(fields: SearchFields, image: Blob): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  form.append('image', image, 'image');
  return form;
}
