import * as z from 'zod';
import {
  publicDuplicatesQuerySchema,
  publicDuplicatesResponseSchema,
} from '../../../plugin/src/contracts/duplicates';
import { monitoringResponseSchema } from '../../../plugin/src/contracts/monitoring';
import {
  entryParametersSchema,
  relatedQuerySchema,
  relatedResponseSchema,
} from '../../../plugin/src/contracts/related';
import {
  documentedFileSchema,
  paginationParametersSchema,
} from '../../../plugin/src/contracts/rest';
import {
  embeddingBodySchema,
  embeddingResponseSchema,
  fileIdSchema,
  isUsedResponseSchema,
  previewQuerySchema,
  searchBodySchema,
  searchResponseSchema,
  similarQuerySchema,
  textSearchQuerySchema,
} from '../../../plugin/src/contracts/search';
import type { HandlerName } from '../controllers';

interface ContentApiRoute {
  method: 'GET' | 'POST';
  path: string;
  handler: HandlerName;
  /** What `strapi openapi generate` shows; the handlers validate requests themselves. */
  request: {
    params?: Record<string, z.ZodType>;
    query?: Record<string, z.ZodType>;
    body?: Record<string, z.ZodType>;
  };
  response: z.ZodType;
}

const params = { id: fileIdSchema };
/** As callers send it: documents can't show what it is turned into. */
const pagination = paginationParametersSchema.optional();
const { group } = searchResponseSchema.shape.data.element.shape;
const groupedHit = withFile(group.unwrap().shape.others.element);
const hitsResponse = withFiles(searchResponseSchema, {
  group: group
    .unwrap()
    .extend({ others: z.array(groupedHit) })
    .optional(),
});
const searchBody = z.strictObject({ ...searchBodySchema.shape, pagination });

/** Routes of the content API. */
export const contentApiRoutes: ContentApiRoute[] = [
  {
    method: 'GET',
    path: '/search',
    handler: 'search.find',
    request: { query: { ...textSearchQuerySchema.shape, pagination } },
    response: hitsResponse,
  },
  {
    method: 'POST',
    path: '/search',
    handler: 'search.find',
    request: { body: withUpload(searchBody) },
    response: hitsResponse,
  },
  {
    method: 'GET',
    path: '/similar/:id',
    handler: 'similar.find',
    request: { params, query: { ...similarQuerySchema.shape, pagination } },
    response: hitsResponse,
  },
  {
    method: 'GET',
    path: '/related/:uid/:documentId',
    handler: 'related.find',
    request: {
      params: entryParametersSchema.shape,
      query: { ...relatedQuerySchema.shape, pagination },
    },
    response: relatedResponseSchema,
  },
  {
    method: 'GET',
    path: '/duplicates/:id',
    handler: 'duplicates.findOne',
    request: { params, query: { ...publicDuplicatesQuerySchema.shape, pagination } },
    response: withFiles(publicDuplicatesResponseSchema),
  },
  {
    method: 'GET',
    path: '/usage/:id',
    handler: 'usage.findOne',
    request: { params },
    response: isUsedResponseSchema,
  },
  {
    method: 'GET',
    path: '/previews/:id',
    handler: 'previews.findOne',
    request: { params, query: previewQuerySchema.shape },
    response: z.file(),
  },
  {
    method: 'POST',
    path: '/embeddings',
    handler: 'embeddings.create',
    request: { body: withUpload(embeddingBodySchema) },
    response: embeddingResponseSchema,
  },
  {
    method: 'GET',
    path: '/status',
    handler: 'status.find',
    request: {},
    response: monitoringResponseSchema,
  },
];

/** A body in JSON, or as a form whose `image` is a file. */
function withUpload(body: z.ZodObject): Record<string, z.ZodType> {
  return {
    'application/json': body,
    'multipart/form-data': body.extend({ image: z.file().optional() }),
  };
}

/** A response whose files have their attributes. */
function withFiles(
  response: typeof searchResponseSchema | typeof publicDuplicatesResponseSchema,
  more: z.ZodRawShape = {},
) {
  return z.object({
    data: z.array(withFile(response.shape.data.element).extend(more)),
    meta: response.shape.meta,
  });
}

function withFile(hit: z.ZodObject): z.ZodObject {
  return hit.extend({ file: documentedFileSchema });
}
