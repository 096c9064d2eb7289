import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import type { TextSearchOptions } from '../../plugin/src/types';
import { imageSearchOf } from './composition';
import { contentTypes } from './content-types';
import { throwForStrapi } from './http/error-answers';
import { signalOf } from './http/request-signal';
import { FILE_UID, PLUGIN_ID } from './plugin-id';
import { createSearchService } from './search-service';

interface GraphQLExtension {
  shadowCRUD(uid: string): { disable(): unknown };
  use(extend: (options: { typeRegistry: { has(name: string): boolean } }) => object): unknown;
}

interface GraphQLUtilities {
  utils: {
    transformArgs(args: object, options: { contentType: unknown }): { filters?: object };
  };
}

/** Strapi's own types that ours refer to; a project may have switched them off. */
const FILE_TYPES = ['UploadFile', 'UploadFileFiltersInput'];

const FILE_ARGUMENTS = `
  filters: UploadFileFiltersInput
  kind: ImageSearchKind
  orientation: ImageSearchOrientation
  unused: Boolean
  hasAlternativeText: Boolean
  "A basic color such as green, or one such as #00aa77."
  color: String
  "How far it may be from a color such as #00aa77."
  colorTolerance: Float
  "Only images with all of these tags."
  tags: [String!]
  minScore: Float
  pagination: PaginationArg
  "Whether to count all results, where possible."
  withCount: Boolean
`;

const SEARCH_ARGUMENTS = `
  ${FILE_ARGUMENTS}
  "A band, likely or strong, or a number from 0 to 1."
  minRelevance: JSON
  "Ends the results where similarity falls steeply."
  autocut: Boolean
  "Shows files of the same image as one result."
  collapse: Boolean
  "How much images that resemble better ones lose their places, 0 to 1."
  diversity: Float
  "Such as createdAt:desc."
  sort: [String!]
  "Results are groups, each with its best image."
  groupBy: ImageSearchGrouping
  "Images of each group."
  groupSize: Int
  "Counts the relevant images, or all that pass the filters, by these."
  facets: [ImageSearchFacet!]
`;

const typeDefs = `
  enum ImageSearchGrouping { folder duplicates }
  input ImageSearchRegion { x: Float! y: Float! width: Float! height: Float! }
  enum ImageSearchMode { hybrid vector text }
  enum ImageSearchFacet { kind type folder year color tags }
  enum ImageSearchKind { image document video }
  enum ImageSearchOrientation { landscape portrait square }
  enum ImageSearchRelevance { strong likely weak }

  type ImageSearchHit {
    "Cosine similarity, -1 to 1; null without a query, and where only words were searched."
    score: Float
    "What matched: image, name, alternativeText, caption or text."
    matchedBy: [String!]!
    "How sure it is that this is what was asked for; null if unknown."
    relevance: ImageSearchRelevance
    "How many other files it stands for; null without collapse."
    duplicateCount: Int
    "What of the file matched best; null for the whole image."
    view: ImageSearchView
    "The image's tags, the most relevant first; null unless the configuration has a vocabulary."
    tags: [String!]
    "What it is the best image of; null without groupBy."
    group: ImageSearchGroup
    "The file's numeric id, which like and similarImages take."
    fileId: Int!
    file: UploadFile!
  }

  type ImageSearchGroup {
    "The folder's id, null for images in none; the file that the others are duplicates of."
    value: Int
    "Relevant images in it, the best one included."
    count: Int!
    others: [ImageSearchHit!]!
  }

  type ImageSearchView {
    "part, frame or page."
    kind: String!
    "From 1; of a frame of a video, its second."
    number: Int!
  }

  type ImageSearchPage {
    start: Int!
    limit: Int!
    hasMore: Boolean!
    "With withCount; null where it is unknown, as for anything ranked."
    total: Int
  }

  type ImageSearchCount {
    "A kind, a MIME type, a folder's id (null for images in none), a year, a color or a tag."
    value: String
    count: Int!
  }

  type ImageSearchFacets {
    kind: [ImageSearchCount!]
    type: [ImageSearchCount!]
    folder: [ImageSearchCount!]
    year: [ImageSearchCount!]
    color: [ImageSearchCount!]
    tags: [ImageSearchCount!]
    counted: Int!
    "Whether there are more images than were counted."
    isLowerBound: Boolean!
  }

  type ImageSearchResults {
    hits: [ImageSearchHit!]!
    pagination: ImageSearchPage!
    "Null unless asked for."
    facets: ImageSearchFacets
    "Whether even the best match means nothing; null if unknown."
    noCloseMatch: Boolean
    "Whether the model isn't responding, so that only words were searched."
    isDegraded: Boolean!
  }

  type ImageDuplicate {
    "How similar the images are where they overlap, 0 to 1."
    score: Float!
    "identical, same-image or edited."
    kind: String!
    "The file's numeric id."
    fileId: Int!
    file: UploadFile!
  }

  type ImageDuplicates { duplicates: [ImageDuplicate!]! pagination: ImageSearchPage! }

  extend type Query {
    "Images that match a text or examples; filters alone list images, newest first."
    imageSearch(
      text: String
      "Ids of files, or texts."
      like: [JSON!]
      unlike: [JSON!]
      url: String
      "A part of the one image of the query, in shares of its width and height."
      region: ImageSearchRegion
      mode: ImageSearchMode
      weight: Float
      ${SEARCH_ARGUMENTS}
    ): ImageSearchResults!
    "Images like a file, without the file."
    similarImages(id: Int!, region: ImageSearchRegion, ${SEARCH_ARGUMENTS}): ImageSearchResults!
    "A file's duplicates, except those that were ignored."
    imageDuplicates(id: Int!, ${FILE_ARGUMENTS}): ImageDuplicates!
  }
`;

/** Adds queries to Strapi's GraphQL plugin, if it's there, and keeps it from showing our tables. */
export function extendGraphQL(strapi: Core.Strapi): void {
  const graphql = strapi.plugins['graphql'];
  if (!graphql) return;
  const extension = graphql.service<GraphQLExtension>('extension');
  // It would generate types, queries and mutations for them, hidden as they are.
  for (const name of Object.keys(contentTypes)) {
    extension.shadowCRUD(`plugin::${PLUGIN_ID}.${name}`).disable();
  }
  extension.use(({ typeRegistry }) => {
    if (!FILE_TYPES.every((name) => typeRegistry.has(name))) return {};
    return {
      typeDefs,
      resolvers: { Query: createResolvers(strapi) },
      resolversConfig: {
        'Query.imageSearch': { auth: { scope: [`plugin::${PLUGIN_ID}.search.find`] } },
        'Query.similarImages': { auth: { scope: [`plugin::${PLUGIN_ID}.similar.find`] } },
        'Query.imageDuplicates': { auth: { scope: [`plugin::${PLUGIN_ID}.duplicates.findOne`] } },
      },
    };
  });
}

type Arguments = Record<string, unknown>;

interface GraphQLContext {
  state: { auth?: unknown };
  koaContext: Context;
}

type Resolver = (parent: unknown, args: Arguments, context: GraphQLContext) => Promise<object>;

function createResolvers(strapi: Core.Strapi): Record<string, Resolver> {
  const service = createSearchService({ strapi });
  /** One for all fields of a request. */
  const signals = new WeakMap<Context, AbortSignal>();

  function signalFor(ctx: Context): AbortSignal {
    const signal = signals.get(ctx) ?? signalOf(ctx);
    signals.set(ctx, signal);
    // Many listeners on one signal would look like a leak.
    return AbortSignal.any([signal]);
  }

  /** With the limits, the permissions and the errors of the content API. */
  async function answer<Answer extends object>(
    { koaContext, state }: GraphQLContext,
    args: Arguments,
    ask: (options: TextSearchOptions & { auth: unknown }) => Promise<Answer>,
  ): Promise<Answer> {
    const { http } = imageSearchOf(strapi);
    try {
      // One request may ask several times.
      await http.limitRate(koaContext, () => Promise.resolve());
      return await ask({
        ...(toOptions(strapi, args) as TextSearchOptions),
        auth: state.auth,
        signal: signalFor(koaContext),
      });
    } catch (error) {
      return throwForStrapi(koaContext, error, http);
    }
  }

  return {
    imageSearch: (_parent, { text, like, unlike, url, region, ...args }, context) =>
      answer(context, args, async (options) =>
        toResults(await service.search(withoutNulls({ text, like, unlike, url, region }), options)),
      ),
    similarImages: (_parent, { id, ...args }, context) =>
      answer(context, args, async (options) => toResults(await service.similar(idOf(id), options))),
    imageDuplicates: (_parent, { id, ...args }, context) =>
      answer(context, args, async (options) => {
        const { data, meta } = await service.findDuplicates(idOf(id), options);
        return { duplicates: data.map(withFileId), pagination: meta.pagination };
      }),
  };
}

function toResults({
  data,
  meta,
}: Awaited<ReturnType<ReturnType<typeof createSearchService>['search']>>) {
  const { facets, isDegraded, noCloseMatch, pagination } = meta;
  const toHit = ({ relevance, ...hit }: Omit<(typeof data)[number], 'group'>) => ({
    ...withFileId(hit),
    relevance: relevance?.band ?? null,
  });
  const hits = data.map(({ group, ...hit }) => ({
    ...toHit(hit),
    ...(group && { group: { ...group, others: group.others.map(toHit) } }),
  }));
  return { hits, pagination, facets, noCloseMatch, isDegraded };
}

/** Strapi's own type of files has no numeric id. */
function withFileId<Hit extends { file: { id: number } }>(hit: Hit): Hit & { fileId: number } {
  return { ...hit, fileId: hit.file.id };
}

/** GraphQL's filters have names without `$`, and its pagination has no `withCount`. */
function toOptions(
  strapi: Core.Strapi,
  { filters, pagination, withCount, ...args }: Arguments,
): object {
  const given = withoutNulls({
    ...args,
    pagination: withoutNulls({ ...(pagination as object | null | undefined), withCount }),
  });
  if (filters === undefined || filters === null) return given;
  const { utils } = strapi.plugin('graphql').service<GraphQLUtilities>('builders');
  const contentType = strapi.getModel(FILE_UID);
  return { ...given, ...utils.transformArgs({ filters }, { contentType }) };
}

/** GraphQL's clients send null for what they leave out. */
function withoutNulls(args: object): object {
  return Object.fromEntries(
    Object.entries(args)
      .filter(([, value]) => value !== null && value !== undefined)
      // Inputs have no prototype, which schemas of objects need.
      .map(([name, value]) => [name, structuredClone(value)]),
  );
}

function idOf(id: unknown): number {
  if (typeof id === 'number') return id;
  throw new errors.ValidationError('id must be the numeric id of a file.');
}
