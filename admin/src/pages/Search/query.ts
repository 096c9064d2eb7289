import * as z from 'zod';
import { apiLimits } from '../../../../plugin/src/contracts/limits';
import {
  colorSchema,
  facetNames,
  fileIdSchema,
  fileKinds,
  orientations,
  regionSchema,
  type FacetName,
} from '../../../../plugin/src/contracts/search';
import type { Folder } from '../../api/library';
import type { SearchFields } from '../../api/search';

export const imageTypes = ['jpeg', 'png', 'webp', 'gif', 'svg+xml', 'avif', 'tiff'] as const;
/** Days back from today. */
export const ages = [1, 7, 30, 365] as const;
/** Orders other than the best match first. */
export const sorts = ['newest', 'oldest', 'name'] as const;
/** The filters that hold a calendar day. */
export const dayFilters = ['from', 'to'] as const;

const digitsSchema = z.string().regex(/^\d+$/).transform(Number);
/** `2026-03-31`, but not February 30. */
const daySchema = z
  .string()
  .refine((day) => /^\d{4}-\d{2}-\d{2}$/.test(day) && isDay(day))
  .optional()
  .catch(undefined);

const filtersSchema = z.object({
  /** Describes what images must not show. */
  exclude: z.string().trim().min(1).optional().catch(undefined),
  folder: digitsSchema.pipe(fileIdSchema).optional().catch(undefined),
  kind: z.enum(fileKinds).optional().catch(undefined),
  type: z.enum(imageTypes).optional().catch(undefined),
  /** Uploaded within this many days. */
  days: digitsSchema.pipe(z.literal(ages)).optional().catch(undefined),
  /** Uploaded on or after `from`, and on or before `to`, in the browser's time zone. */
  from: daySchema,
  to: daySchema,
  /** Of the upload, in UTC, as the server counts years. */
  year: z
    .string()
    .regex(/^[12]\d{3}$/)
    .transform(Number)
    .optional()
    .catch(undefined),
  /** A basic color, or one as `#rrggbb`. */
  color: colorSchema.optional().catch(undefined),
  /** One of the configuration's. */
  tags: z.string().min(1).optional().catch(undefined),
  orientation: z.enum(orientations).optional().catch(undefined),
  alternativeText: z.enum(['with', 'without']).optional().catch(undefined),
  usage: z.enum(['used', 'unused']).optional().catch(undefined),
  /** Only these files, chosen on the map; see `writeAmong`. */
  among: z
    .string()
    .regex(/^[0-9a-z]{1,11}(-[0-9a-z]{1,11})*$/)
    .optional()
    .catch(undefined),
});

export type Region = z.output<typeof regionSchema>;
export type SearchFilters = z.output<typeof filtersSchema>;
export type FilterName = keyof SearchFilters;
export type Sort = (typeof sorts)[number];
/** The filters with a list of values to choose from. */
export type ChoiceName = Exclude<
  FilterName,
  'exclude' | 'color' | 'among' | (typeof dayFilters)[number]
>;

/** What the page searches for. It lives in the page's address. */
export interface SearchQuery {
  text: string;
  /** File ids. */
  like: readonly number[];
  /** File ids. */
  unlike: readonly number[];
  /** The key of an image that is not in the library; only this browser tab has the image. */
  image: string | null;
  /** The part of the one image of the query that is searched with; null for all of it. */
  region: Region | null;
  filters: SearchFilters;
  /** Null for the best match first, or without a query for the newest. */
  sort: Sort | null;
}

export const emptyQuery: SearchQuery = {
  text: '',
  like: [],
  unlike: [],
  image: null,
  region: null,
  filters: {},
  sort: null,
};

const filterNames = filtersSchema.keyof().options;
const sortSchema = z.enum(sorts).nullable().catch(null);
const fileIdsSchema = z.array(digitsSchema.pipe(fileIdSchema).nullable().catch(null));

/** Ignores everything that `writeQuery` would not write. */
export function readQuery(address: URLSearchParams): SearchQuery {
  const values = filterNames.map((name) => [name, address.get(parameterOf(name)) ?? undefined]);
  const query = {
    text: address.get('text')?.trim() ?? '',
    like: readIds(address.getAll('like')),
    unlike: readIds(address.getAll('unlike')),
    image: address.get('image'),
  };
  return {
    ...query,
    region: hasOneImage(query) ? readRegion(address.get('region')) : null,
    filters: dropUndefined(filtersSchema.parse(Object.fromEntries(values))),
    sort: sortSchema.parse(address.get('sort')),
  };
}

export function writeQuery(query: SearchQuery): URLSearchParams {
  const { text, like, unlike, image, filters, sort } = query;
  const address = new URLSearchParams();
  if (text.trim() !== '') address.set('text', text.trim());
  for (const id of like) address.append('like', String(id));
  for (const id of unlike) address.append('unlike', String(id));
  if (image !== null) address.set('image', image);
  const { region } = query;
  if (region !== null && hasOneImage(query)) {
    address.set('region', regionKeys.map((key) => region[key]).join(' '));
  }
  for (const name of filterNames) {
    const value = filters[name];
    if (value !== undefined) address.set(parameterOf(name), String(value));
  }
  if (sort !== null) address.set('sort', sort);
  return address;
}

const regionKeys = ['x', 'y', 'width', 'height'] as const;

function readRegion(value: string | null): Region | null {
  const shares = (value ?? '').split(' ');
  const given = Object.fromEntries(regionKeys.map((key, index) => [key, shares[index]]));
  return shares.length === regionKeys.length ? (regionSchema.safeParse(given).data ?? null) : null;
}

/** Only of one image can a part be chosen. */
export function hasOneImage({ like, image }: Pick<SearchQuery, 'like' | 'image'>): boolean {
  return like.length + (image === null ? 0 : 1) === 1;
}

function parameterOf(name: FilterName): string {
  return name === 'exclude' ? 'without' : name;
}

function readIds(values: string[]): number[] {
  const ids = fileIdsSchema.parse(values).filter((id) => id !== null);
  return [...new Set(ids)].slice(0, apiLimits.maxExamples);
}

const AMONG_BASE = 36;

/** Ids of files in as few characters as an address needs: ascending, each as its distance to the one before. */
export function writeAmong(ids: readonly number[]): string {
  const ascending = [...new Set(ids)].sort((one, other) => one - other);
  return ascending
    .map((id, index) => (id - (ascending[index - 1] ?? 0)).toString(AMONG_BASE))
    .join('-');
}

/** At most as many as the server takes. */
export function readAmong(among: string): number[] {
  let id = 0;
  const ids = among.split('-').map((distance) => (id += parseInt(distance, AMONG_BASE)));
  return ids
    .filter((each) => fileIdSchema.safeParse(each).success)
    .slice(0, apiLimits.maxFilterIds);
}

function isDay(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function dropUndefined(filters: SearchFilters): SearchFilters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** Whether there is anything to show: without a query, images that pass the filters, but nothing to compare others with. */
export function canSearch(query: SearchQuery): boolean {
  if (isRanked(query)) return true;
  return !isExcluding(query) && Object.values(query.filters).some((value) => value !== undefined);
}

function isExcluding({ filters, unlike }: SearchQuery): boolean {
  return filters.exclude !== undefined || unlike.length > 0;
}

/** Whether there is a query, so that results come in the order of their likeness. */
export function isRanked({ text, like, image }: SearchQuery): boolean {
  return text.trim() !== '' || like.length > 0 || image !== null;
}

/** Adds a file to one side of the examples, and removes it from the other. */
export function addExample(query: SearchQuery, side: 'like' | 'unlike', id: number): SearchQuery {
  const others = removeExample(query, id);
  // A part belongs to the image that was the only one.
  const region = side === 'like' ? null : others.region;
  return { ...others, region, [side]: [...others[side], id].slice(-apiLimits.maxExamples) };
}

export function removeExample(query: SearchQuery, id: number): SearchQuery {
  const isLiked = query.like.includes(id);
  return {
    ...query,
    region: isLiked ? null : query.region,
    like: query.like.filter((other) => other !== id),
    unlike: query.unlike.filter((other) => other !== id),
  };
}

/** Days back, calendar days and a year: each replaces the others. */
const periods: readonly (readonly FilterName[])[] = [['days'], dayFilters, ['year']];

/** Sets a filter, or removes it if `value` is undefined. */
export function setFilter(
  filters: SearchFilters,
  name: FilterName,
  value?: string | number,
): SearchFilters {
  const replaced = periods.some((names) => names.includes(name))
    ? periods.filter((names) => !names.includes(name)).flat()
    : [];
  return { ...without(filters, replaced), [name]: value };
}

function without(filters: SearchFilters, names: readonly FilterName[]): SearchFilters {
  return { ...filters, ...Object.fromEntries(names.map((name) => [name, undefined])) };
}

/** As the server counts years, in UTC; the newest first. */
export function listYears(
  oldest: Date | null,
  today: Date,
  counted: Iterable<string | number> = [],
): number[] {
  const last = today.getUTCFullYear();
  const first = Math.max(oldest?.getUTCFullYear() ?? last + 1, EARLIEST_YEAR);
  const years = Array.from(
    { length: Math.max(0, last - first + 1) },
    (_year, index) => first + index,
  );
  return [...new Set([...years, ...[...counted].map(Number)])].sort((one, other) => other - one);
}

/** Older dates are those of clocks that weren't set. */
const EARLIEST_YEAR = 1970;

/** More folders than this exceed the server's limit on filters. */
const MAX_FOLDERS = 150;

/** Kinds of files as media fields name them (`images`, `files`, …); null for all. */
export type AllowedTypes = readonly string[] | null;

interface SearchContext {
  /** Null until they are loaded: a search within a folder waits for them. */
  folders: readonly Folder[] | null;
  /** `days` count back from the start of this day, so that a search stays the same all day. */
  today: Date;
  allowedTypes?: AllowedTypes;
  /** The tags that images get; none unless the configuration has a vocabulary. */
  tagNames?: readonly string[];
}

/** The request that answers a query; null while there is nothing to search for. */
export function toSearchFields(query: SearchQuery, context: SearchContext): SearchFields | null {
  if (!canSearch(query)) return null;
  const fields = toFields(query, context);
  if (fields === null) return null;
  return {
    ...fields,
    sort: query.sort === null ? undefined : orders[query.sort],
    // Lists by filters alone show every file.
    collapse: isRanked(query) ? true : undefined,
  };
}

const orders: Record<Sort, string> = {
  newest: 'createdAt:desc',
  oldest: 'createdAt:asc',
  name: 'name:asc',
};

/** What each facet's counts don't follow: the filters that its values replace. */
const ownFilters: Record<FacetName, readonly FilterName[]> = {
  kind: ['kind'],
  type: ['type'],
  folder: ['folder'],
  year: periods.flat(),
  color: ['color'],
  tags: ['tags'],
};

/** The requests that count images by each facet as the other filters have them; none where nothing can be counted. */
export function toFacetRequests(
  query: SearchQuery,
  context: SearchContext,
): { facets: FacetName[]; fields: SearchFields }[] {
  const isSet = (name: FilterName): boolean => query.filters[name] !== undefined;
  const isOwn = (facet: FacetName): boolean => ownFilters[facet].some(isSet);
  const known = facetNames.filter((facet) => facet !== 'tags' || context.tagNames?.length);
  const groups = [
    known.filter((facet) => !isOwn(facet)),
    ...known.filter(isOwn).map((facet) => [facet]),
  ];
  return groups.flatMap((facets) => {
    const [facet] = facets;
    if (facet === undefined) return [];
    const filters = isOwn(facet) ? without(query.filters, ownFilters[facet]) : query.filters;
    const counted = { ...query, filters };
    if (!isRanked(counted) && isExcluding(counted)) return [];
    const fields = toFields(counted, context);
    return fields === null ? [] : [{ facets, fields }];
  });
}

/** Null while the folders of a filter haven't loaded. */
function toFields(
  query: SearchQuery,
  { folders, today, allowedTypes = null }: SearchContext,
): SearchFields | null {
  const { folder, color, kind, orientation, alternativeText, tags, usage } = query.filters;
  if (folder !== undefined && folders === null) return null;
  const text = query.text.trim();
  // The server takes one text or image as the query. Beside an image, the text becomes an example.
  const isTextAnExample = query.image !== null && text !== '';
  const like = examples(isTextAnExample ? text : undefined, query.like);
  const unlike = examples(query.filters.exclude, query.unlike);
  const conditions = [
    ...toConditions(query.filters, folders ?? [], today),
    ...typeConditions(allowedTypes),
  ];
  return {
    text: text === '' || isTextAnExample ? undefined : text,
    like: like.length > 0 ? like : undefined,
    unlike: unlike.length > 0 ? unlike : undefined,
    filters: conditions.length > 0 ? { $and: conditions } : undefined,
    kind,
    color,
    tags: tags === undefined ? undefined : [tags],
    orientation,
    hasAlternativeText: alternativeText === undefined ? undefined : alternativeText === 'with',
    unused: usage === undefined ? undefined : usage === 'unused',
    region: (hasOneImage(query) ? query.region : null) ?? undefined,
  };
}

/** Text and files, up to the server's limit. */
function examples(text: string | undefined, ids: readonly number[]): (string | number)[] {
  return (text === undefined ? [...ids] : [text, ...ids]).slice(0, apiLimits.maxExamples);
}

/** The filters that Strapi applies to file rows. */
function toConditions(
  { among, folder, type, days, from, to, year }: SearchFilters,
  folders: readonly Folder[],
  today: Date,
): object[] {
  return [
    among !== undefined && { id: { $in: readAmong(among) } },
    folder !== undefined && { folder: { id: { $in: idsWithin(folder, folders) } } },
    type !== undefined && { mime: { $eq: `image/${type}` } },
    days !== undefined && { createdAt: { $gte: daysBefore(today, days) } },
    from !== undefined && { createdAt: { $gte: startOf(from, 0) } },
    to !== undefined && { createdAt: { $lt: startOf(to, 1) } },
    year !== undefined && { createdAt: { $gte: `${String(year)}-01-01T00:00:00.000Z` } },
    year !== undefined && { createdAt: { $lt: `${String(year + 1)}-01-01T00:00:00.000Z` } },
  ].filter((condition) => condition !== false);
}

const mediaTypes = { images: 'image/', videos: 'video/', audios: 'audio/' };

/** Allows what Strapi's own dialog allows: `files` are those that are no image, video or audio. */
function typeConditions(allowedTypes: AllowedTypes): object[] {
  if (allowedTypes === null || allowedTypes.length === 0) return [];
  const allowed = Object.entries(mediaTypes).filter(([type]) => allowedTypes.includes(type));
  const others = Object.entries(mediaTypes).filter(([type]) => !allowedTypes.includes(type));
  if (!allowedTypes.includes('files')) {
    return [{ $or: allowed.map(([, start]) => ({ mime: { $startsWith: start } })) }];
  }
  return others.map(([, start]) => ({ $not: { mime: { $startsWith: start } } }));
}

/** A folder that no longer exists stands for itself: the search finds nothing, and the page says why. */
function idsWithin(id: number, folders: readonly Folder[]): readonly number[] {
  const ids = folders.find((folder) => folder.id === id)?.idsWithin ?? [id];
  return ids.slice(0, MAX_FOLDERS);
}

function daysBefore(today: Date, days: number): string {
  const start = new Date(today);
  start.setHours(0, 0, 0, 0);
  start.setDate(start.getDate() - days);
  return start.toISOString();
}

/** Midnight in the browser's time zone, a number of days after `day`. */
function startOf(day: string, daysLater: number): string {
  const start = new Date(`${day}T00:00:00`);
  start.setDate(start.getDate() + daysLater);
  return start.toISOString();
}
