import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ConfirmedMeasurement } from '../test/bench/duplicates/confirmed';
import { isHeld, type Measurement } from '../test/bench/measurement';
import type { BenchResults } from '../test/bench/results-file';
import type { ScaleResult, StoreName } from '../test/bench/scale/result';
import { colors, drawBars, drawLines, type LinePanel } from './charts';

const benchFolder = path.resolve(__dirname, '../bench');

const storeTitles: Record<StoreName, { title: string; color: string }> = {
  embedded: { title: 'embedded', color: colors.own },
  postgres: { title: 'PostgreSQL, index', color: colors.green },
  'postgres-exact': { title: 'PostgreSQL, all vectors compared', color: colors.gray },
  qdrant: { title: 'Qdrant', color: colors.red },
};

interface Quality {
  queries: number;
  recall1: number;
  recall5: number;
  meanReciprocalRank: number;
}

interface Words {
  names: Record<'exact' | 'stem' | 'typed' | 'part', Quality>;
  captions: Record<'vector' | 'third' | 'describedByVector' | 'described', Quality>;
}

interface Relevance {
  good: { queries: number; saidToBeEmpty: number };
  gibberish: { queries: number; areaUnderCurve: number; saidToBeEmpty: number };
  nothingShows: { queries: number; areaUnderCurve: number; saidToBeEmpty: number };
}

type RelevanceByLibrary = Record<'photographs' | 'sampleLibrary', Relevance>;

interface Keepers {
  copy: string;
  split: string;
  pairs: number;
  original: number;
  undecided: number;
  copyKept: number;
}

/** What bench/ holds, as the tables (Markdown, by name) and charts (SVG, by file name) of the docs. */
export function describeNumbers(): {
  tables: Record<string, string>;
  charts: Record<string, string>;
} {
  const { machine, results, scale } = read('results') as BenchResults;
  const confirmed = read('duplicates-confirmed') as ConfirmedMeasurement;
  const words = read('words') as Words;
  return {
    tables: {
      machine: `${String(machine.processors)} cores of an ${machine.processor} processor, ${String(machine.memoryGiB)} GiB of memory, Node.js ${machine.node.slice(1)}, ${machine.platform}.`,
      speed: describeSpeed(results),
      scale: describeScale(scale),
      words: describeWords(words),
      relevance: describeRelevance(read('relevance') as RelevanceByLibrary),
      confirmed: describeConfirmed(confirmed),
      negatives: describeNegatives(confirmed),
      keepers: describeKeepers(read('keepers') as Keepers[]),
    },
    charts: {
      'scale.svg': drawScale(scale),
      'recall.svg': drawRecall(words),
      'duplicates.svg': drawDuplicates(confirmed),
    },
  };
}

function describeSpeed(results: readonly Measurement[]): string {
  return table(
    ['what', 'median', 'least to most', 'runs', 'load', 'goal', 'held'],
    results.map((result) => {
      const { name, unit, median, min, max, runs, bar, loadAverage } = result;
      const write = unit === 'share' || unit === 'ratio' ? percent : short;
      const plainUnit = write === percent ? '' : ` ${unit}`;
      return [
        name,
        `${write(median)}${plainUnit}`,
        runs === 1 ? '–' : `${write(min)} to ${write(max)}`,
        String(runs),
        loadAverage === undefined ? '–' : short(loadAverage),
        `${bar.kind} ${write(bar.value)}`,
        isHeld(result) ? 'yes' : '**no**',
      ];
    }),
  );
}

function describeScale(scale: readonly ScaleResult[]): string {
  return table(
    ['store', 'vectors', 'recall@20', 'one client', 'sixteen', 'first query', 'disk', 'load'],
    scale.map((result) => [
      storeTitles[result.store].title,
      result.points.toLocaleString('en'),
      String(result.recall),
      `${short(result.oneClient.p50)} ms`,
      `${short(result.sixteenClients.p50)} ms`,
      `${short(result.firstQueryMs)} ms`,
      result.diskBytes === null ? '–' : `${short(result.diskBytes / 2 ** 20)} MiB`,
      short(result.loadAverage),
    ]),
  );
}

function describeWords({ captions, names }: Words): string {
  const row = (what: string, { queries, recall1, recall5, meanReciprocalRank }: Quality) => [
    what,
    String(queries),
    percent(recall1),
    percent(recall5),
    meanReciprocalRank.toFixed(2),
  ];
  return table(
    ['query', 'queries', 'first', 'in the first five', 'MRR'],
    [
      row('the whole file name', names.exact),
      row('the name without its extension', names.stem),
      row('the name as people type it', names.typed),
      row('a part of the name', names.part),
      row('a caption, by images alone', captions.vector),
      row('a caption, a third of the files with an alternative text', captions.third),
      row('the same, only files with a text, by images alone', captions.describedByVector),
      row('the same, by images and words', captions.described),
    ],
  );
}

function describeRelevance(sources: RelevanceByLibrary): string {
  return table(
    ['library', 'query', 'queries', 'said to have no close match', 'AUC against good queries'],
    (['photographs', 'sampleLibrary'] as const).flatMap((source) => {
      const library = source === 'photographs' ? '300 photos' : 'sample library';
      const { good, gibberish, nothingShows } = sources[source];
      return [
        [library, 'that images answer', String(good.queries), percent(good.saidToBeEmpty), '–'],
        ...(
          [
            ['gibberish', gibberish],
            ['that nothing shows', nothingShows],
          ] as const
        ).map(([query, { queries, saidToBeEmpty, areaUnderCurve }]) => [
          library,
          query,
          String(queries),
          percent(saidToBeEmpty),
          areaUnderCurve.toFixed(3),
        ]),
      ];
    }),
  );
}

function describeConfirmed({ recall }: ConfirmedMeasurement): string {
  const edits = [...new Set(recall.map(({ edit }) => edit))];
  return table(
    ['edit', 'verdict', 'photos', 'PHash', 'PDQ', 'artwork', 'PHash', 'PDQ'],
    edits.map((edit) => {
      const [photos, artwork] = (['photographs', 'artwork'] as const).map((source) =>
        recall.find((row) => row.edit === edit && row.source === source),
      );
      const shares = [photos, artwork].flatMap((row) => [row?.asExpected, row?.pHash, row?.pdq]);
      return [
        edit,
        photos?.expected ?? artwork?.expected ?? '–',
        ...shares.map((share) => (share === undefined ? '–' : percent(share))),
      ];
    }),
  );
}

function describeNegatives({ negatives }: ConfirmedMeasurement): string {
  return table(
    ['pairs that only look alike', 'pairs', 'same-image', 'edited', 'PHash', 'PDQ'],
    negatives.map(({ split, pairs, sameImage, edited, pHash, pdq }) => [
      split === 'holdout' ? 'never looked at while tuning' : 'looked at while tuning',
      ...[pairs, sameImage.length, edited.length, pHash, pdq].map(String),
    ]),
  );
}

function describeKeepers(rows: readonly Keepers[]): string {
  const total = (key: 'pairs' | 'original' | 'undecided' | 'copyKept') =>
    rows.reduce((sum, row) => sum + row[key], 0);
  return table(
    ['worse copy', 'pairs', 'original suggested', 'nothing suggested', 'copy suggested'],
    [
      ...rows.map(({ copy, pairs, original, undecided, copyKept }) => [
        copy,
        ...[pairs, original, undecided, copyKept].map(String),
      ]),
      [
        '**all**',
        ...(['pairs', 'original', 'undecided', 'copyKept'] as const).map(
          (key) => `**${String(total(key))}**`,
        ),
      ],
    ],
  );
}

function drawScale(scale: readonly ScaleResult[]): string {
  const stores = ['embedded', 'postgres', 'qdrant'] as const;
  const panel = (
    title: string,
    unit: string,
    valueOf: (result: ScaleResult) => number | null,
  ): LinePanel => ({
    title,
    unit,
    lines: stores
      .map((store) => ({
        name: storeTitles[store].title,
        color: storeTitles[store].color,
        points: scale
          .filter((result) => result.store === store)
          .flatMap((result) => {
            const y = valueOf(result);
            return y === null ? [] : [{ x: result.points, y }];
          })
          .sort((one, other) => one.x - other.x),
      }))
      .filter(({ points }) => points.length > 0),
  });
  return drawLines('How the stores grow, vectors of 512 numbers', 'vectors', [
    panel('A query, alone (p50)', 'ms', ({ oneClient }) => oneClient.p50),
    panel('A query, one of sixteen at a time (p50)', 'ms', (result) => result.sixteenClients.p50),
    panel('Memory', 'MiB', ({ memoryBytes }) =>
      memoryBytes === null ? null : memoryBytes / 2 ** 20,
    ),
  ]);
}

function drawRecall({ captions, names }: Words): string {
  const row = (name: string, { recall1, recall5 }: Quality) => ({
    name,
    values: [recall1, recall5],
  });
  return drawBars({
    title: 'How often the right photo is first, or among the first five',
    series: [
      { name: 'first', color: colors.own },
      { name: 'among the first five', color: colors.ownPale },
    ],
    rows: [
      row('a file name, as typed', names.typed),
      row('a part of a file name', names.part),
      row('a caption, by images alone', captions.vector),
      row('with a third of texts', captions.third),
      row('files with texts, by images alone', captions.describedByVector),
      row('files with texts, by both', captions.described),
    ],
    most: 1,
    format: percent,
  });
}

/** Photographs and artwork together, and in one row what changes nothing visible. */
function drawDuplicates({ recall }: ConfirmedMeasurement): string {
  const edits = new Set(
    recall.filter(({ expected }) => expected === 'edited').map(({ edit }) => edit),
  );
  const rowOf = (name: string, rows: ConfirmedMeasurement['recall']) => {
    const images = rows.reduce((sum, row) => sum + row.images, 0);
    const mean = (key: 'found' | 'pHash' | 'pdq') =>
      rows.reduce((sum, row) => sum + row[key] * row.images, 0) / images;
    return { name, values: [mean('found'), mean('pHash'), mean('pdq')] };
  };
  return drawBars({
    title: 'Copies that are found, by edit',
    series: [
      { name: 'Image Search', color: colors.own },
      { name: 'PHash', color: colors.gray },
      { name: 'PDQ', color: colors.red },
    ],
    rows: [
      rowOf(
        'saved again, resized, other light',
        recall.filter(({ expected }) => expected === 'same-image'),
      ),
      ...[...edits].map((name) =>
        rowOf(
          name,
          recall.filter(({ edit }) => edit === name),
        ),
      ),
    ],
    most: 1,
    format: percent,
  });
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(path.join(benchFolder, `${name}.json`), 'utf8'));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')}%`;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 4 });
}
