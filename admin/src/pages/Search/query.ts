import * as z from 'zod';
import { apiLimits } from '../../../../plugin/src/contracts/limits';
import { fileIdSchema, orientations } from '../../../../plugin/src/contracts/search';

export const pictureTypes = ['jpeg', 'png', 'webp', 'gif', 'svg+xml', 'avif', 'tiff'] as const;
/** Days back from today. */
export const ages = [1, 7, 30, 365] as const;

/** `2026-03-31`, and no February 30th. */
const daySchema = z
  .string()
  .refine((day) => /^\d{4}-\d{2}-\d{2}$/.test(day) && isDay(day))
  .optional()
  .catch(undefined);

/** An address that holds nothing but digits there is read as a number. */
const wordsSchema = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().trim().min(1))
  .optional()
  .catch(undefined);

const filtersSchema = z.object({
  /** Words for what pictures shall not show. */
  without: wordsSchema,
  folder: fileIdSchema.optional().catch(undefined),
  type: z.enum(pictureTypes).optional().catch(undefined),
  /** Uploaded within so many days. */
  days: z.literal(ages).optional().catch(undefined),
  /** Uploaded on this day or later, and on this day or earlier, in the time zone of whoever looks. */
  from: daySchema,
  to: daySchema,
  orientation: z.enum(orientations).optional().catch(undefined),
  alternativeText: z.enum(['with', 'without']).optional().catch(undefined),
  usage: z.enum(['used', 'unused']).optional().catch(undefined),
});

export type SearchFilters = z.output<typeof filtersSchema>;
export type FilterName = keyof SearchFilters;
/** The filters that are days of the calendar. */
export const days = ['from', 'to'] as const;
export type DayFilterName = (typeof days)[number];
/** The filters of which one of several values is chosen. */
export type ChoiceName = Exclude<FilterName, DayFilterName | 'without'>;

/** What is looked for, as the page's address says it. */
export interface SearchQuery {
  text: string;
  /** Ids of files. */
  like: readonly number[];
  unlike: readonly number[];
  /** Names a picture that is not in the library; only this browser tab knows which one. */
  picture: string | null;
  filters: SearchFilters;
}

export const emptyQuery: SearchQuery = {
  text: '',
  like: [],
  unlike: [],
  picture: null,
  filters: {},
};

const filterNames = filtersSchema.keyof().options;
const digitsSchema = z.string().regex(/^\d+$/).transform(Number);
const fileIdsSchema = z.array(digitsSchema.pipe(fileIdSchema).nullable().catch(null));

/** Anything else than what `writeQuery` writes is left out. */
export function readQuery(address: URLSearchParams): SearchQuery {
  const given = filterNames.map((name) => [name, readValue(address.get(name))]);
  return {
    text: address.get('text')?.trim() ?? '',
    like: readIds(address.getAll('like')),
    unlike: readIds(address.getAll('unlike')),
    picture: address.get('picture'),
    filters: withoutUndefined(filtersSchema.parse(Object.fromEntries(given))),
  };
}

export function writeQuery({ text, like, unlike, picture, filters }: SearchQuery): URLSearchParams {
  const address = new URLSearchParams();
  if (text.trim() !== '') address.set('text', text.trim());
  for (const id of like) address.append('like', String(id));
  for (const id of unlike) address.append('unlike', String(id));
  if (picture !== null) address.set('picture', picture);
  for (const name of filterNames) {
    const value = filters[name];
    if (value !== undefined) address.set(name, String(value));
  }
  return address;
}

/** Whether there is anything to look for: filters alone, or only what it shall not be like, are no question. */
export function isQuestion({ text, like, picture }: SearchQuery): boolean {
  return text.trim() !== '' || like.length > 0 || picture !== null;
}

/** Puts a file among the examples, on one side only. */
export function addExample(query: SearchQuery, side: 'like' | 'unlike', id: number): SearchQuery {
  const without = removeExample(query, id);
  return { ...without, [side]: [...without[side], id].slice(-apiLimits.maxExamples) };
}

export function removeExample(query: SearchQuery, id: number): SearchQuery {
  return {
    ...query,
    like: query.like.filter((other) => other !== id),
    unlike: query.unlike.filter((other) => other !== id),
  };
}

function isDay(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function readIds(values: string[]): number[] {
  const ids = fileIdsSchema.parse(values).filter((id) => id !== null);
  return [...new Set(ids)].slice(0, apiLimits.maxExamples);
}

function readValue(text: string | null): string | number | undefined {
  if (text === null) return undefined;
  const number = digitsSchema.safeParse(text);
  return number.success ? number.data : text;
}

function withoutUndefined(filters: SearchFilters): SearchFilters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}
