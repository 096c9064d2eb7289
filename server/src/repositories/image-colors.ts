import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import type { ImageColors } from '../../../plugin/src/contracts/file-status';
import { isColorName, type FileTraits } from '../../../plugin/src/contracts/search';
import type { FileTrace } from '../../../plugin/src/duplicates/contract';
import { colorNames, type ColorName } from '../../../plugin/src/images/contract';
import {
  minimumShareOf,
  PALETTE_VERSION,
  paletteOf,
  parseColor,
  toHex,
} from '../../../plugin/src/images/palette';
import type { FacetCount } from '../../../plugin/src/search/contract';
import { inputError } from '../http/parse-input';
import { IMAGE_COLOR_UID } from '../plugin-id';
import {
  chunksOf,
  createDatabaseTables,
  readRows,
  type DatabaseTables,
} from '../usage/database-tables';

const PER_INSERT = 50;

type Transaction = NonNullable<Parameters<typeof createDatabaseTables>[1]>;

/** A row as its columns have it. */
export interface ColorRow {
  file_id: number;
  position: number;
  lightness: number;
  green_red: number;
  blue_yellow: number;
  share: number;
  name: ColorName;
  version: number;
}

const rowSchema = z.object({
  lightness: z.number(),
  green_red: z.number(),
  blue_yellow: z.number(),
  share: z.number(),
  name: z.enum(colorNames),
});

/** Databases return counts as text or as numbers. */
const countsSchema = z.array(z.object({ value: z.enum(colorNames), count: z.coerce.number() }));

/** The rows of these traces' colors. Deriving them takes some milliseconds each; others have a turn in between. */
export async function toColorRows(traces: readonly FileTrace[]): Promise<ColorRow[]> {
  const rows: ColorRow[] = [];
  for (const trace of traces) {
    const palette = trace.derived?.colors ?? paletteOf(trace);
    if (palette.length === 0) rows.push(withoutColors(trace.fileId));
    for (const [position, { blueYellow, greenRed, lightness, name, share }] of palette.entries()) {
      rows.push({
        file_id: trace.fileId,
        position,
        lightness,
        green_red: greenRed,
        blue_yellow: blueYellow,
        share,
        name,
        version: PALETTE_VERSION,
      });
    }
    await nextTurn();
  }
  return rows;
}

/** That none are to be had. Nothing finds a color that has no share. */
function withoutColors(fileId: number): ColorRow {
  return {
    file_id: fileId,
    position: 0,
    lightness: 0,
    green_red: 0,
    blue_yellow: 0,
    share: 0,
    name: 'black',
    version: PALETTE_VERSION,
  };
}

/** Replaces the colors of these files, in the transaction that has locked their traces. */
export async function replaceColors(
  strapi: Core.Strapi,
  transaction: Transaction,
  { fileIds, rows }: { fileIds: readonly number[]; rows: readonly ColorRow[] },
): Promise<void> {
  const tables = createDatabaseTables(strapi, transaction);
  const table = () => tables.table(tables.tableOf(IMAGE_COLOR_UID));
  await table()
    .whereIn('file_id', [...fileIds])
    .delete();
  for (const some of chunksOf(rows, PER_INSERT)) await table().insert(some);
}

/** The dominant colors of an image, the largest share first; none if they aren't known. */
export async function colorsOf(strapi: Core.Strapi, fileId: number): Promise<ImageColors> {
  const tables = createDatabaseTables(strapi);
  const found: unknown = await tables
    .table(tables.tableOf(IMAGE_COLOR_UID))
    .select(Object.keys(rowSchema.shape))
    .where('file_id', fileId)
    .where('share', '>', 0)
    .orderBy('position');
  return z
    .array(rowSchema)
    .parse(found)
    .map(({ blue_yellow: blueYellow, green_red: greenRed, lightness, name, share }) => ({
      hex: toHex({ blueYellow, greenRed, lightness }),
      name,
      share: share / 1_000,
    }));
}

/** How many of these files have each basic color: a share of it that `color` would find them by. */
export async function countColorNames(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<FacetCount<ColorName>[]> {
  const tables = createDatabaseTables(strapi);
  const least = colorNames.map((name) => `when ? then ${String(minimumShareOf(name))}`).join(' ');
  const found = tables
    .table(`${tables.tableOf(IMAGE_COLOR_UID)} as colors`)
    .whereIn('colors.file_id', fileIds)
    .select('colors.file_id', 'colors.name')
    .groupBy('colors.file_id', 'colors.name')
    .havingRaw(`sum(??) >= case ?? ${least} end`, ['colors.share', 'colors.name', ...colorNames]);
  const counted = tables.table(tables.tableOf(IMAGE_COLOR_UID));
  void counted.from(found.as('found') as never);
  void counted.select({ value: 'found.name' }).count({ count: '*' }).groupBy('found.name');
  const counts = await readRows(strapi, counted);
  return countsSchema.parse(counts);
}

/**
 * The condition on files, by their name in a query, that enough of an image has this color.
 *
 * @throws ImageSearchError `invalid-input` for a tolerance without a color in hexadecimal
 */
export function colorCondition(
  tables: DatabaseTables,
  { color, colorTolerance }: Pick<FileTraits, 'color' | 'colorTolerance'>,
): ((files: string) => object) | null {
  const isNamed = color !== undefined && isColorName(color);
  if (colorTolerance !== undefined && (color === undefined || isNamed)) {
    throw inputError('colorTolerance: needs "color" in hexadecimal, such as #00aa77.');
  }
  if (color === undefined) return null;
  const wanted = parseColor(color);
  const tolerance = (colorTolerance ?? apiLimits.colorTolerance) * 10;
  return (files) => {
    const query = tables
      .table(`${tables.tableOf(IMAGE_COLOR_UID)} as colors`)
      .select('colors.file_id')
      .whereRaw('?? = ??', ['colors.file_id', `${files}.id`])
      .groupBy('colors.file_id')
      .havingRaw('sum(??) >= ?', ['colors.share', minimumShareOf(wanted.name)]);
    if (isNamed) return { id: { $in: query.where('colors.name', color) } };
    // In whole numbers, of which all databases have the same notion.
    const distance = '(?? - ?) * (?? - ?) + 4 * (?? - ?) * (?? - ?) + 4 * (?? - ?) * (?? - ?)';
    const axes: [string, number][] = [
      ['colors.lightness', wanted.lightness],
      ['colors.green_red', wanted.greenRed],
      ['colors.blue_yellow', wanted.blueYellow],
    ];
    return {
      id: {
        $in: query.whereRaw(`${distance} <= ?`, [
          ...axes.flatMap((axis) => [...axis, ...axis]),
          Math.round(4 * tolerance * tolerance),
        ]),
      },
    };
  };
}
