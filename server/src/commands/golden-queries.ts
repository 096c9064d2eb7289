import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { Core } from '@strapi/strapi';
import { parse as parseYaml, stringify } from 'yaml';
import { z } from 'zod';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { GoldenQuery } from '../../../plugin/src/search/evaluation';
import { libraryOf } from '../assets/library';
import { wordFields } from '../../../plugin/src/text/contract';
import { createVisibleFiles } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';

/** A filter that more files pass says little about a search. */
const MAX_EXPECTED = 10_000;
const MAX_LISTED = 10;
/** Longer texts are cut by models and read badly in a report. */
const MAX_QUERY_LENGTH = 200;

const goldenSchema = z.strictObject({
  queries: z
    .array(
      z
        .strictObject({
          query: z.string().trim().min(1),
          expect: z.array(z.union([z.string().min(1), z.int().positive()])).optional(),
          filter: z.record(z.string(), z.unknown()).optional(),
        })
        .refine(({ expect, filter }) => (expect === undefined) !== (filter === undefined), {
          error: 'needs either "expect" (names or IDs; [] for nothing) or "filter"',
        }),
    )
    .min(1),
});

type GoldenEntry = z.output<typeof goldenSchema>['queries'][number];

/**
 * Reads golden queries from a YAML or JSON file; names and filters become the ids of the project's files.
 *
 * @throws ImageSearchError `invalid-input` for a file that can't be read, and for names and ids that the library lacks
 */
export async function readGoldenQueries(strapi: Core.Strapi, file: string): Promise<GoldenQuery[]> {
  const { queries } = parse(await readText(file), file);
  const missing = new Set<string | number>();
  const golden: GoldenQuery[] = [];
  for (const entry of queries) {
    golden.push({ query: entry.query, expected: await findExpected(strapi, entry, missing) });
  }
  if (missing.size === 0) return golden;
  const listed = [...missing].slice(0, MAX_LISTED).map((one) => `"${String(one)}"`);
  const more = missing.size > MAX_LISTED ? `, and ${String(missing.size - MAX_LISTED)} more` : '';
  throw invalid(
    `${file}: the Media Library has no image called ${listed.join(', ')}${more}. Correct the names or IDs.`,
  );
}

async function readText(file: string): Promise<string> {
  if (!existsSync(file)) {
    throw invalid(`${file} doesn't exist. Make a first one with: evaluate --generate ${file}`);
  }
  return await readFile(file, 'utf8');
}

function parse(text: string, file: string): z.output<typeof goldenSchema> {
  const result = goldenSchema.safeParse(readYaml(text, file));
  if (result.success) return result.data;
  throw invalid(`${file} isn't a file of golden queries:\n${z.prettifyError(result.error)}`);
}

/** JSON is YAML, too. */
function readYaml(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw invalid(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function findExpected(
  strapi: Core.Strapi,
  { query, expect, filter }: GoldenEntry,
  missing: Set<string | number>,
): Promise<Set<number>> {
  if (filter) {
    const ids = await filesThat(strapi, filter).listIds(MAX_EXPECTED);
    if (ids === null || ids.length === 0) {
      const problem =
        ids === null ? `more than ${String(MAX_EXPECTED)} files pass` : 'no file passes';
      throw invalid(`"${query}": ${problem} its filter.`);
    }
    return new Set(ids);
  }
  const expected = new Set<number>();
  for (const one of expect ?? []) {
    const where = typeof one === 'number' ? { id: one } : { name: one };
    const found: { id: number }[] = await strapi.db.query(FILE_UID).findMany({
      where: { $and: [libraryOf(strapi).condition(), where] },
      select: ['id'],
    });
    if (found.length === 0) missing.add(one);
    for (const { id } of found) expected.add(id);
  }
  return expected;
}

/** Every file of the library that passes a Strapi filter. */
export function filesThat(strapi: Core.Strapi, filters: Record<string, unknown>) {
  return createVisibleFiles({
    strapi,
    permission: {},
    filters,
    populate: {},
    wordFields,
    sanitize: (row) => Promise.resolve(row),
  });
}

const describedSchema = z.object({
  id: z.number(),
  name: z.string(),
  alternativeText: z.string().nullish(),
  caption: z.string().nullish(),
});

/**
 * Writes golden queries made of the alternative texts and captions of the library's images, for a person to correct.
 * Images with the same text are expected together.
 *
 * @param limit most queries; evenly spread over the images with texts
 * @returns how many were written
 * @throws ImageSearchError `invalid-input` if the file exists, or no image has a text
 */
export async function writeGoldenQueries(
  strapi: Core.Strapi,
  file: string,
  limit: number,
): Promise<number> {
  if (existsSync(file)) throw invalid(`${file} exists. Name another file, or remove it first.`);
  const queries = await describeImages(strapi);
  if (queries.length === 0) {
    throw invalid('No image has an alternative text or a caption to make queries of.');
  }
  const step = Math.max(1, queries.length / limit);
  const chosen = Array.from(
    { length: Math.min(limit, queries.length) },
    (_, index) => queries[Math.floor(index * step)],
  );
  const text = stringify({ queries: chosen });
  await writeFile(file, `${HEADING}${text}`, { flag: 'wx' });
  return chosen.length;
}

const HEADING = `# Queries and the images that they should find, by name or ID. Made of alternative texts and captions: replace them by
# what people really type. "expect: []" is for queries that nothing in the library answers, and "filter" (a Strapi filter
# on files) expects all files that pass.
`;

async function describeImages(
  strapi: Core.Strapi,
): Promise<{ query: string; expect: (string | number)[] }[]> {
  const rows: unknown[] = await strapi.db.query(FILE_UID).findMany({
    where: libraryOf(strapi).condition(),
    select: ['id', 'name', 'alternativeText', 'caption'],
    orderBy: { id: 'asc' },
  });
  const images = rows.map((row) => describedSchema.parse(row));
  const named = new Map<string, number>();
  for (const { name } of images) named.set(name, (named.get(name) ?? 0) + 1);
  const expected = new Map<string, (string | number)[]>();
  for (const { id, name, alternativeText, caption } of images) {
    const text = [alternativeText, caption].map((words) => words?.trim() ?? '').find(isQuery);
    if (text === undefined || text === name) continue;
    expected.set(text, [...(expected.get(text) ?? []), named.get(name) === 1 ? name : id]);
  }
  return [...expected].map(([query, expect]) => ({ query, expect }));
}

function isQuery(text: string): boolean {
  return text !== '' && text.length <= MAX_QUERY_LENGTH;
}

function invalid(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'invalid-input', message });
}
