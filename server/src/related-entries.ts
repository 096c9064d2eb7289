import type { Core, Struct } from '@strapi/strapi';
import { contentTypes } from '@strapi/utils';
import { apiLimits } from '../../plugin/src/contracts/limits';
import type { RelatedQuery, RelatedResponse } from '../../plugin/src/contracts/related';
import { toPaginationMeta } from '../../plugin/src/contracts/rest';
import { ImageSearchError } from '../../plugin/src/errors';
import type { VisibleFiles } from '../../plugin/src/search/contract';
import type { ImageSearch } from './composition';
import { refuseUnknownNames, requireAction } from './files/callers';
import { createVisibleFiles, type Condition } from './files/visible-files';
import { inputError } from './http/parse-input';
import { createDatabaseTables, groupBy } from './usage/database-tables';
import { relationTable } from './usage/relations';

/** Similar images whose entries are looked up, and entries that are read to rank them: whatever a library has. */
const MOST_IMAGES = 500;
const MOST_ENTRIES = 1_000;
/** An entry has several versions: drafts, published ones, locales. */
const MOST_USES = 4_000;
/** More would be asked for by pages that hardly anybody opens. */
const ENOUGH_ENTRIES = apiLimits.maxLimit + 1;

/** An entry, whatever its version. */
interface EntryRef {
  uid: string;
  documentId: string;
}

interface Entry {
  id: number;
  documentId: string;
  [attribute: string]: unknown;
}

interface Documents {
  findOne(query: object): Promise<Entry | null>;
  findMany(query: object): Promise<Entry[]>;
}

/** Who asks: if `auth` is undefined, the project's own code. */
interface RequestContext {
  auth?: unknown;
  route?: unknown;
  signal?: AbortSignal | undefined;
}

/**
 * Entries of a content type, ordered by how similar the images of a media field are to those of one entry.
 *
 * At most `MOST_IMAGES` images and `MOST_ENTRIES` entries are looked at, so that pages end there.
 *
 * @throws ForbiddenError or UnauthorizedError for a caller who may not find entries of the type
 * @throws ImageSearchError
 * - `entry-not-found` for an entry that doesn't exist in this locale and status
 * - `invalid-input` for an unknown type or field
 * - `not-ready` if no image of the entry is indexed yet; and what searching throws
 */
export async function findRelatedEntries(
  { strapi, imageSearch }: { strapi: Core.Strapi; imageSearch: ImageSearch },
  { uid, documentId }: EntryRef,
  { query, ...context }: RequestContext & { query: RelatedQuery },
): Promise<RelatedResponse> {
  if (context.auth !== undefined) await requireAction(strapi, context.auth, `${uid}.find`);
  const model = requireMediaField(strapi, uid, query.field);
  const version = await versionOf(strapi, model, query);
  const documents = strapi.documents(uid as never) as unknown as Documents;
  const wanted = await wantedEntries(strapi, { model, query, context });
  const populate = { [query.field]: { fields: ['id'] } };
  const entry = await documents.findOne({
    documentId,
    ...version,
    fields: ['documentId'],
    populate,
  });
  if (!entry) throw entryNotFound(documentId);
  const { start, limit } = query.pagination;
  const ranked = await rankEntries({
    fileIds: fileIdsIn(entry, query.field),
    findIndexed: async (fileIds) => {
      const { collection } = await imageSearch.spaces.get(context.signal);
      const hashes = await collection.contentHashesOf(fileIds);
      return fileIds.filter((fileId) => hashes.has(fileId));
    },
    searchImages: createImageSearches({ strapi, imageSearch, model, version, query, context }),
    entriesWith: async (fileIds) => {
      const uses = await findUses(strapi, { uid, field: query.field, fileIds });
      const entries = await documents.findMany({
        ...version,
        fields: ['documentId'],
        filters: {
          $and: [
            wanted.filters,
            { documentId: { $ne: documentId } },
            { id: { $in: [...uses.keys()] } },
          ],
        },
        sort: 'id:asc',
        limit: MOST_ENTRIES,
      });
      return entries.map((one) => ({ ...one, fileIds: uses.get(one.id) ?? [] }));
    },
  });
  const page = ranked.slice(start, start + limit);
  const found = await documents.findMany({
    ...wanted.shape,
    ...version,
    filters: { documentId: { $in: page.map((match) => match.documentId) } },
    limit: page.length,
  });
  const entries = new Map(found.map((one) => [one.documentId, one]));
  const data = page.map(async ({ documentId: id, ...match }) => {
    const one = entries.get(id);
    return one ? [{ ...match, entry: await wanted.sanitize(one) }] : [];
  });
  return {
    data: (await Promise.all(data)).flat(),
    meta: {
      pagination: toPaginationMeta(query.pagination, {
        hasMore: ranked.length > start + limit,
        total: null,
      }),
    },
  };
}

/** What the caller asked for of entries, and may. */
async function wantedEntries(
  strapi: Core.Strapi,
  {
    model,
    query: { fields, filters = {}, populate },
    context: { auth, route },
  }: { model: Struct.ContentTypeSchema; query: RelatedQuery; context: RequestContext },
): Promise<{ filters: object; shape: object; sanitize: (entry: Entry) => Promise<Entry> }> {
  const query = {
    filters,
    ...(fields !== undefined && { fields }),
    ...(populate !== undefined && { populate }),
  };
  if (auth === undefined) {
    await refuseUnknownNames(strapi, model, query);
    return { filters, shape: query, sanitize: (entry) => Promise.resolve(entry) };
  }
  const caller = { auth, route } as never;
  await strapi.contentAPI.validate.query(query, model, caller);
  const allowed = (await strapi.contentAPI.sanitize.query(query, model, caller)) as typeof query;
  return {
    filters: allowed.filters,
    shape: allowed,
    sanitize: async (entry) =>
      (await strapi.contentAPI.sanitize.output(entry, model, { auth })) as Entry,
  };
}

/** @throws ImageSearchError `invalid-input` */
function requireMediaField(
  strapi: Core.Strapi,
  uid: string,
  field: string,
): Struct.ContentTypeSchema {
  const types = strapi.contentTypes as Record<string, Struct.ContentTypeSchema | undefined>;
  const model = Object.hasOwn(types, uid) ? types[uid] : undefined;
  if (!model) throw inputError(`There is no content type "${uid}".`);
  const fields = contentTypes
    .getMediaAttributes(model)
    .filter((name) => !contentTypes.isPrivateAttribute(model, name));
  if (fields.includes(field)) return model;
  const advice = fields.length === 0 ? 'It has none' : `Use ${fields.join(', ')}`;
  throw inputError(`field: "${field}" isn't a media field of ${uid}. ${advice}.`);
}

/** Parameters of a version in Strapi's Document Service. */
interface Version {
  status?: 'draft' | 'published';
  locale?: string;
}

async function versionOf(
  strapi: Core.Strapi,
  model: Struct.ContentTypeSchema,
  { locale, status }: RelatedQuery,
): Promise<Version> {
  const { i18n } = (model.pluginOptions ?? {}) as { i18n?: { localized?: boolean } };
  const isLocalized = i18n?.localized === true && (strapi.plugin('i18n') as unknown) !== undefined;
  return {
    ...(contentTypes.hasDraftAndPublish(model) && { status }),
    ...(isLocalized && { locale: locale ?? (await defaultLocale(strapi)) }),
  };
}

async function defaultLocale(strapi: Core.Strapi): Promise<string> {
  return strapi
    .plugin('i18n')
    .service<{ getDefaultLocale(): Promise<string> }>('locales')
    .getDefaultLocale();
}

interface RankedEntry {
  documentId: string;
  fileId: number;
  score: number;
}

interface ScoredImage {
  fileId: number;
  score: number;
}

/** The `MOST_IMAGES` most similar images; `isOfEntries`: only those that the field of such entries has. */
type ImageSearches = (options: {
  like: readonly number[];
  isOfEntries: boolean;
}) => Promise<{ images: ScoredImage[]; hasMore: boolean }>;

function createImageSearches({
  strapi,
  imageSearch,
  model,
  version,
  query,
  context,
}: {
  strapi: Core.Strapi;
  imageSearch: ImageSearch;
  model: Struct.ContentTypeSchema;
  version: Version;
  query: RelatedQuery;
  context: RequestContext;
}): ImageSearches {
  const visibleFiles = (condition?: Condition): VisibleFiles<null> => ({
    ...createVisibleFiles({
      strapi,
      permission: {},
      filters: {},
      ...(condition && { condition }),
      populate: {},
      wordFields: [],
      sanitize: (row) => Promise.resolve(row),
    }),
    // Only ids are needed, not rows and signed URLs.
    load: (ids) => Promise.resolve(new Map(ids.map((id) => [id, null]))),
  });
  const condition = usedBy(strapi, { uid: model.uid, field: query.field, version });
  return async ({ like, isOfEntries }) => {
    const page = await imageSearch.searchEngine.search(
      {
        like: like.slice(0, apiLimits.maxExamples).map((fileId) => ({ kind: 'file', fileId })),
        unlike: [],
        start: 0,
        limit: MOST_IMAGES,
        minimumScore: query.minScore,
        signal: context.signal,
      },
      visibleFiles(isOfEntries ? condition : undefined),
    );
    const images = page.hits.map(({ fileId, score }) => ({ fileId, score: score ?? 0 }));
    return { images, hasMore: page.hasMore };
  };
}

/** Entries by their most similar image; the same ones whichever page of them is wanted. */
async function rankEntries({
  fileIds,
  findIndexed,
  searchImages,
  entriesWith,
}: {
  fileIds: readonly number[];
  /** Those of these files that have a vector; a gallery may also have videos, or images that wait. */
  findIndexed: (fileIds: readonly number[]) => Promise<number[]>;
  searchImages: ImageSearches;
  /** Entries that have one of these files, with those that they have. */
  entriesWith: (
    fileIds: readonly number[],
  ) => Promise<{ documentId: string; fileIds: readonly number[] }[]>;
}): Promise<RankedEntry[]> {
  if (fileIds.length === 0) return [];
  // Other entries may have the same images, which a search leaves out.
  const same: ScoredImage[] = fileIds.map((fileId) => ({ fileId, score: 1 }));

  async function entriesOf(found: readonly ScoredImage[]): Promise<RankedEntry[]> {
    const images = [...same, ...found.filter(({ fileId }) => !fileIds.includes(fileId))];
    const ranks = new Map(images.map(({ fileId }, rank) => [fileId, rank]));
    const entries = await entriesWith([...ranks.keys()]);
    return entries
      .flatMap((entry): (RankedEntry & { rank: number })[] => {
        const rank = Math.min(...entry.fileIds.map((id) => ranks.get(id) ?? Infinity));
        const image = images[rank];
        return image ? [{ documentId: entry.documentId, rank, ...image }] : [];
      })
      .sort((one, other) => one.rank - other.rank || compareTexts(one, other))
      .map(({ documentId, fileId, score }) => ({ documentId, fileId, score }));
  }

  // Where most images are of such entries, it's quicker not to ask first which ones.
  const indexed = await findIndexed(fileIds);
  // With none, the search says why.
  const like = indexed.length > 0 ? indexed : fileIds;
  const near = await searchImages({ like, isOfEntries: false });
  const ranked = await entriesOf(near.images);
  if (ranked.length >= ENOUGH_ENTRIES || !near.hasMore) return ranked;
  const all = await searchImages({ like, isOfEntries: true });
  return entriesOf(all.images);
}

function compareTexts(one: { documentId: string }, other: { documentId: string }): number {
  return one.documentId < other.documentId ? -1 : 1;
}

/** Of a media field, which may have one file, several or none. */
function fileIdsIn(entry: Entry, field: string): number[] {
  const value = entry[field] as { id: number } | { id: number }[] | null | undefined;
  return [value ?? []].flat().map(({ id }) => id);
}

/** Which of these files the versions of entries have in a media field, by the id of the version. */
async function findUses(
  strapi: Core.Strapi,
  { uid, field, fileIds }: { uid: string; field: string; fileIds: readonly number[] },
): Promise<Map<number, number[]>> {
  const tables = createDatabaseTables(strapi);
  const { name, fileColumn, ownerColumn, typeColumn } = relationTable(tables);
  const rows: Record<string, unknown>[] = await tables
    .table(name)
    .select([fileColumn, ownerColumn])
    .whereIn(fileColumn, fileIds)
    .where(typeColumn, uid)
    .where('field', field)
    .orderBy('id')
    .limit(MOST_USES);
  const byOwner = groupBy(rows, (row) => Number(row[ownerColumn]));
  return new Map(
    [...byOwner].map(([id, uses]) => [id, uses.map((row) => Number(row[fileColumn]))]),
  );
}

/** Files that a media field of such entries has. */
function usedBy(
  strapi: Core.Strapi,
  { uid, field, version }: { uid: string; field: string; version: Version },
): Condition {
  const tables = createDatabaseTables(strapi);
  const { name, fileColumn, ownerColumn, typeColumn } = relationTable(tables);
  return (files) => {
    const query = tables
      .table(`${name} as uses`)
      .select(`uses.${fileColumn}`)
      .whereRaw('?? = ??', [`uses.${fileColumn}`, `${files}.id`])
      .where(`uses.${typeColumn}`, uid)
      .where('uses.field', field);
    if (version.status === undefined && version.locale === undefined) return { id: { $in: query } };
    const owners = tables.table(`${tables.tableOf(uid)} as owners`).select('owners.id');
    const publishedAt = `owners.${tables.columnOf(uid, 'publishedAt')}`;
    if (version.status === 'published') void owners.whereNotNull(publishedAt);
    if (version.status === 'draft') void owners.whereNull(publishedAt);
    if (version.locale !== undefined) {
      void owners.where(`owners.${tables.columnOf(uid, 'locale')}`, version.locale);
    }
    return { id: { $in: query.whereIn(`uses.${ownerColumn}`, owners) } };
  };
}

function entryNotFound(documentId: string): ImageSearchError {
  return new ImageSearchError({
    code: 'entry-not-found',
    message: `Entry ${documentId} not found in this locale and status.`,
    retryable: false,
  });
}
