import { apiLimits } from '../../../../plugin/src/contracts/limits';
import type { Folder } from '../../api/library';
import type { SearchFields } from '../../api/search';
import { isQuestion, type SearchFilters, type SearchQuery } from './query';

/** More folders than this are not named one by one: filters have a limit. */
const MOST_FOLDERS = 150;

/**
 * What the server is asked; null when there is no question.
 *
 * @param folders null while they are not known: a filter by folder then waits
 * @param today days are counted back from its beginning, so that the same search stays the same for a day
 */
export function toSearchFields(
  query: SearchQuery,
  folders: readonly Folder[] | null,
  today: Date,
): SearchFields | null {
  if (!isQuestion(query) || (query.filters.folder !== undefined && folders === null)) return null;
  const text = query.text.trim();
  // One thing is the question, all others are examples of it.
  const isTextAnExample = query.picture !== null && text !== '';
  const like = examples(isTextAnExample ? text : undefined, query.like);
  const unlike = examples(query.filters.without, query.unlike);
  const filters = toStrapiFilters(query.filters, folders ?? [], today);
  return {
    ...(text !== '' && !isTextAnExample && { text }),
    ...(like.length > 0 && { like }),
    ...(unlike.length > 0 && { unlike }),
    ...(filters.length > 0 && { filters: { $and: filters } }),
    ...toTraits(query.filters),
  };
}

/** Words and files, as many as the server takes. */
function examples(words: string | undefined, ids: readonly number[]): (string | number)[] {
  return (words === undefined ? [...ids] : [words, ...ids]).slice(0, apiLimits.maxExamples);
}

function toStrapiFilters(
  { folder, type, days, from, to }: SearchFilters,
  folders: readonly Folder[],
  today: Date,
): object[] {
  return [
    ...(folder === undefined ? [] : [{ folder: { id: { $in: idsWithin(folder, folders) } } }]),
    ...(type === undefined ? [] : [{ mime: { $eq: `image/${type}` } }]),
    ...(days === undefined ? [] : [{ createdAt: { $gte: daysBefore(today, days) } }]),
    ...(from === undefined ? [] : [{ createdAt: { $gte: startOf(from, 0) } }]),
    ...(to === undefined ? [] : [{ createdAt: { $lt: startOf(to, 1) } }]),
  ];
}

function toTraits({ orientation, alternativeText, usage }: SearchFilters): SearchFields {
  return {
    ...(orientation !== undefined && { orientation }),
    ...(alternativeText !== undefined && { hasAlternativeText: alternativeText === 'with' }),
    ...(usage !== undefined && { unused: usage === 'unused' }),
  };
}

/** Of a folder that there is none of, itself: nothing is found, and the page says why. */
function idsWithin(id: number, folders: readonly Folder[]): readonly number[] {
  const ids = folders.find((folder) => folder.id === id)?.idsWithin ?? [id];
  return ids.slice(0, MOST_FOLDERS);
}

function daysBefore(today: Date, days: number): string {
  const start = new Date(today);
  start.setHours(0, 0, 0, 0);
  start.setDate(start.getDate() - days);
  return start.toISOString();
}

/** Midnight where the browser is, so many days after a day. */
function startOf(day: string, daysLater: number): string {
  const start = new Date(`${day}T00:00:00`);
  start.setDate(start.getDate() + daysLater);
  return start.toISOString();
}
