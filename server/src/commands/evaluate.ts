import { writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Core } from '@strapi/strapi';
import { ImageSearchError, toImageSearchError } from '../../../plugin/src/errors';
import {
  searchModes,
  type SearchMode,
  type VisibleFiles,
} from '../../../plugin/src/search/contract';
import {
  EVALUATION_DEPTH,
  evaluateSearch,
  worstQueries,
  type EvaluatedQuery,
  type Evaluation,
  type EvaluationSummary,
  type GoldenQuery,
} from '../../../plugin/src/search/evaluation';
import { imageSearchOf, type ImageSearch } from '../composition';
import { FILE_UID, PLUGIN_ID } from '../plugin-id';
import { ExitCode, usage, UsageError } from './command-line';
import { filesThat, readGoldenQueries, writeGoldenQueries } from './golden-queries';

const DEFAULT_WORST = 10;
const DEFAULT_GENERATED = 200;
/** Files that are named for a query that went wrong. */
const SHOWN_FILES = 3;

/** What can have a bar: shares, in which more is better. */
const barNames = [
  'recall@1',
  'recall@5',
  'recall@10',
  'mrr',
  'ndcg@10',
  'nothingClose.right',
] as const;
type BarName = (typeof barNames)[number];

interface EvaluateOptions {
  file: string;
  /** Whether to make the file instead of reading it. */
  generates: boolean;
  limit: number;
  /** Ids of spaces; the active one if empty. */
  spaces: string[];
  /** How each of them is asked. */
  modes: SearchMode[];
  bars: { name: BarName; value: number }[];
  json: string | undefined;
  worst: number;
}

/** One evaluation: all queries in one space and mode. */
interface Run extends Evaluation {
  space: string;
  mode: SearchMode;
  indexed: number;
  total: number;
}

/**
 * Asks golden queries, reports how well they are answered, and returns the exit code: 1 if a run stays below a bar.
 */
export async function runEvaluate(given: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(given);
    if (options === null) {
      write(`${usage}\n`);
      return ExitCode.done;
    }
    return await inProject((strapi) =>
      options.generates ? generate(strapi, options) : evaluate(strapi, options),
    );
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return ExitCode.wrongUsage;
    }
    console.error(toImageSearchError(error).message);
    return ExitCode.failed;
  }
}

/** Not through `process.stdout`: while a project is loaded, what it prints there goes to stderr. */
function write(text: string): void {
  writeSync(1, text);
}

async function inProject<Result>(work: (strapi: Core.Strapi) => Promise<Result>): Promise<Result> {
  const { loadProject } = await import('./project');
  const { strapi, close } = await loadProject(process.cwd());
  try {
    if (!(PLUGIN_ID in strapi.plugins)) {
      throw new ImageSearchError({
        code: 'config-invalid',
        message: `Strapi loads, but without this plugin. Enable it: '${PLUGIN_ID}': { enabled: true } in config/plugins.`,
      });
    }
    try {
      return await work(strapi);
    } finally {
      await imageSearchOf(strapi).stop();
    }
  } finally {
    await close();
  }
}

async function generate(strapi: Core.Strapi, { file, limit }: EvaluateOptions): Promise<number> {
  const count = await writeGoldenQueries(strapi, file, limit);
  console.error(
    `Wrote ${String(count)} queries to ${file}. Correct them, then run: evaluate ${file}`,
  );
  return ExitCode.done;
}

async function evaluate(strapi: Core.Strapi, options: EvaluateOptions): Promise<number> {
  const golden = await readGoldenQueries(strapi, options.file);
  const imageSearch = imageSearchOf(strapi);
  const active = (await imageSearch.spaces.active()).spaceId();
  const spaces = options.spaces.length > 0 ? options.spaces : [active];
  const runs: Run[] = [];
  for (const space of spaces) {
    if (space === null) {
      throw new ImageSearchError({
        code: 'not-ready',
        message: 'Nothing is indexed yet. Start Strapi first.',
      });
    }
    for (const mode of options.modes) {
      runs.push(await evaluateSpace(strapi, { imageSearch, golden, space, mode }));
    }
  }
  const names = await namesOf(strapi, runs);
  write(describeRuns(runs, { ...options, names }));
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(toJson(runs, names), null, 2)}\n`);
  }
  const failures = runs.flatMap((run) => findFailures(run, options.bars));
  for (const failure of failures) console.error(failure);
  return failures.length > 0 ? ExitCode.failed : ExitCode.done;
}

async function evaluateSpace(
  strapi: Core.Strapi,
  {
    imageSearch,
    golden,
    space,
    mode,
  }: {
    imageSearch: ImageSearch;
    golden: readonly GoldenQuery[];
    space: string;
    mode: SearchMode;
  },
): Promise<Run> {
  const engine = await imageSearch.searchIn(space);
  const visible = withoutRows(filesThat(strapi, {}));
  const isTerminal = process.stderr.isTTY;
  const evaluation = await evaluateSearch(golden, {
    search: async (text) => {
      const { hits, noCloseMatch } = await engine.search(
        { like: [{ kind: 'text', text }], unlike: [], mode, start: 0, limit: EVALUATION_DEPTH },
        visible,
      );
      return { fileIds: hits.map(({ fileId }) => fileId), isNothingClose: noCloseMatch };
    },
    now: () => performance.now(),
    onProgress: (done) => {
      if (isTerminal)
        process.stderr.write(`\r${space}: ${String(done)} of ${String(golden.length)}`);
    },
  });
  if (isTerminal) process.stderr.write('\n');
  const { indexed, total } = await imageSearch.status.coverage(space);
  return { ...evaluation, space, mode, indexed, total };
}

/** The files of a search whose hits are only counted. */
function withoutRows<Row>(visible: VisibleFiles<Row>): VisibleFiles<true> {
  return {
    ...visible,
    load: (fileIds) => Promise.resolve(new Map(fileIds.map((fileId) => [fileId, true]))),
  };
}

async function namesOf(strapi: Core.Strapi, runs: readonly Run[]): Promise<Map<number, string>> {
  const ids = new Set(
    runs.flatMap(({ queries }) =>
      queries.flatMap(({ found, expected }) => [...found, ...expected]),
    ),
  );
  const names = new Map<number, string>();
  const all = [...ids];
  for (let start = 0; start < all.length; start += 500) {
    const rows: { id: number; name: string }[] = await strapi.db.query(FILE_UID).findMany({
      where: { id: { $in: all.slice(start, start + 500) } },
      select: ['id', 'name'],
    });
    for (const { id, name } of rows) names.set(id, name);
  }
  return names;
}

type Metric = Exclude<keyof EvaluationSummary, 'queries'>;

const metrics: readonly { name: Metric; label: string; format: (value: number) => string }[] = [
  { name: 'recall@1', label: 'recall@1', format: asShare },
  { name: 'recall@5', label: 'recall@5', format: asShare },
  { name: 'recall@10', label: 'recall@10', format: asShare },
  { name: 'mrr', label: 'MRR', format: asNumber },
  { name: 'ndcg@10', label: 'nDCG@10', format: asNumber },
  { name: 'nothingClose.right', label: 'nothing close, rightly', format: asShare },
  { name: 'nothingClose.wrong', label: 'nothing close, wrongly', format: asShare },
  { name: 'latency.p50', label: 'time, p50', format: asTime },
  { name: 'latency.p95', label: 'time, p95', format: asTime },
];

function asShare(value: number): string {
  return `${(value * 100).toFixed(1)}%`;
}

function asNumber(value: number): string {
  return value.toFixed(3);
}

function asTime(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function describeRuns(
  runs: readonly Run[],
  { names, worst }: { names: ReadonlyMap<number, string>; worst: number },
): string {
  const [first] = runs;
  if (!first) return '';
  const { answerable, empty } = first.summary.queries;
  const rows = [
    ['', ...runs.map(({ space }) => space)],
    ['mode', ...runs.map(({ mode }) => mode)],
    ['images', ...runs.map(({ indexed, total }) => `${String(indexed)} of ${String(total)}`)],
    ...metrics.map(({ name, label, format }) => [
      label,
      ...runs.map(({ summary }) => {
        const value = summary[name];
        return value === null ? '–' : format(value);
      }),
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const table = rows.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths?.[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return [
    `${String(answerable)} queries with files to find, ${String(empty)} with none`,
    '',
    ...table,
    '',
    ...runs.flatMap((run) => describeWorst(run, { names, worst })),
  ].join('\n');
}

function describeWorst(
  { queries, mode, space }: Run,
  { names, worst }: { names: ReadonlyMap<number, string>; worst: number },
): string[] {
  const listed = worstQueries(queries, worst);
  if (listed.length === 0) return [];
  return [
    `Worst queries in ${space}, mode ${mode}:`,
    ...listed.map((query) => describeQuery(query, names)),
    '',
  ];
}

function describeQuery(
  { query, rank, found, expected }: EvaluatedQuery,
  names: ReadonlyMap<number, string>,
): string {
  const name = (fileId: number): string => names.get(fileId) ?? `file ${String(fileId)}`;
  const list = (ids: readonly number[]): string =>
    ids.slice(0, SHOWN_FILES).map(name).join(', ') + (ids.length > SHOWN_FILES ? ', …' : '');
  const place =
    rank === null ? `not among the first ${String(EVALUATION_DEPTH)}` : `first at ${String(rank)}`;
  return `  "${query}": ${place}; expected ${list(expected)}; found ${list(found)}`;
}

function toJson(runs: readonly Run[], names: ReadonlyMap<number, string>): object {
  const toFile = (id: number): object => ({ id, name: names.get(id) ?? null });
  return {
    runs: runs.map(({ queries, ...run }) => ({
      ...run,
      queries: queries.map((query) => ({
        ...query,
        expected: query.expected.map(toFile),
        found: query.found.map(toFile),
      })),
    })),
  };
}

function findFailures({ summary, mode, space }: Run, bars: EvaluateOptions['bars']): string[] {
  return bars.flatMap(({ name, value }) => {
    const measured = summary[name];
    if (measured !== null && measured >= value) return [];
    const found = measured === null ? 'unknown' : measured.toFixed(3);
    return [`${space}, mode ${mode}: ${name} is ${found}, below ${String(value)}.`];
  });
}

/**
 * Parses the command line; null if help was requested.
 *
 * @throws UsageError
 */
function parseOptions(given: readonly string[]): EvaluateOptions | null {
  const { values, positionals } = readOptions(given);
  if (values.help) return null;
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new UsageError('Name one file with golden queries (YAML or JSON).');
  }
  return {
    file,
    generates: values.generate ?? false,
    limit: toCount('--limit', values.limit ?? String(DEFAULT_GENERATED)),
    spaces: values.space ?? [],
    modes: (values.mode ?? ['vector']).map(toMode),
    bars: (values.min ?? []).map(toBar),
    json: values.json,
    worst: toCount('--worst', values.worst ?? String(DEFAULT_WORST)),
  };
}

function readOptions(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        generate: { type: 'boolean' },
        limit: { type: 'string' },
        space: { type: 'string', multiple: true },
        mode: { type: 'string', multiple: true },
        min: { type: 'string', multiple: true },
        json: { type: 'string' },
        worst: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message);
  }
}

function toCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new UsageError(`${option} must be a whole number, not "${text}".`);
}

function toMode(text: string): SearchMode {
  const mode = searchModes.find((candidate) => candidate === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`--mode can't be "${text}"; it is one of ${searchModes.join(', ')}.`);
}

function toBar(text: string): EvaluateOptions['bars'][number] {
  const [given, number] = text.split('=');
  const name = barNames.find((candidate) => candidate === given);
  const value = Number(number);
  if (name !== undefined && number !== undefined && number !== '' && value >= 0 && value <= 1) {
    return { name, value };
  }
  throw new UsageError(
    `--min can't be "${text}": write <measure>=<0 to 1>, with a measure of ${barNames.join(', ')}.`,
  );
}
