import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { FileTrace, ImageTraces } from '../../../plugin/src/duplicates/contract';
import {
  FingerprintIndex,
  type FingerprintSet,
  fingerprintsOf,
} from '../../../plugin/src/duplicates/fingerprint-index';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { TILES_VERSION } from '../../../plugin/src/matching/tiles';
import { IMAGE_FINGERPRINT_UID } from '../plugin-id';
import { chunksOf, createDatabaseTables } from '../usage/database-tables';

type Transaction = NonNullable<Parameters<typeof createDatabaseTables>[1]>;

/** A row as its columns have it. */
export interface FingerprintRow {
  file_id: number;
  /** Of the whole image; null if it is flat or unknown. */
  fingerprint: string | null;
  /** Of its tiles, one after the other. */
  tiles: string;
  version: number;
}

const PER_INSERT = 50;
const DIGITS = 64;

const storedSchema = z.object({
  id: z.number(),
  file_id: z.number(),
  fingerprint: z.string().nullable(),
  tiles: z.string().nullable(),
});

const idsSchema = z.array(storedSchema.pick({ id: true }));

/** Databases return counts and sums as text or as numbers; the sum of no rows is null. */
const sumsSchema = z.tuple([z.object({ count: z.coerce.number(), sum: z.coerce.number() })]);

/** The rows of these traces. Deriving them takes up to some milliseconds each; others have a turn in between. */
export async function toFingerprintRows(traces: readonly FileTrace[]): Promise<FingerprintRow[]> {
  const rows: FingerprintRow[] = [];
  for (const trace of traces) {
    const { tiles, whole } = trace.derived?.fingerprints ?? fingerprintsOf(trace);
    rows.push({
      file_id: trace.fileId,
      fingerprint: whole,
      tiles: tiles.join(''),
      version: TILES_VERSION,
    });
    await nextTurn();
  }
  return rows;
}

/** Replaces the fingerprints of these files, under new ids, in the transaction that has locked their traces. */
export async function replaceFingerprints(
  strapi: Core.Strapi,
  transaction: Transaction,
  { fileIds, rows }: { fileIds: readonly number[]; rows: readonly FingerprintRow[] },
): Promise<void> {
  const tables = createDatabaseTables(strapi, transaction);
  const table = () => tables.table(tables.tableOf(IMAGE_FINGERPRINT_UID));
  await table()
    .whereIn('file_id', [...fileIds])
    .delete();
  for (const some of chunksOf(rows, PER_INSERT)) await table().insert(some);
}

/** Rows read at a time, in a few milliseconds. */
const PAGE_SIZE = 2_000;
/** Ids below the last one that are looked at again: transactions, of a hundred rows each, don't end in the order of their ids. */
const OVERLAP = 1_000;
/** Time after which fingerprints that nobody asks for leave the memory. */
const KEPT_MS = 600_000;

/**
 * Finds files that share tiles among the stored fingerprints. They are in memory, 36 bytes each, from the first question
 * until ten minutes after the last one; every question reads those that are new.
 */
export function createTileSearch(strapi: Core.Strapi): ImageTraces['sharingTiles'] {
  let index = new FingerprintIndex();
  let lastId = 0;
  /** Those that were read of the latest ids. */
  let recent = new Set<number>();
  let reading: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;

  function enter(found: readonly unknown[], into: FingerprintIndex): void {
    for (const row of found) {
      const { file_id: fileId, fingerprint, id, tiles } = storedSchema.parse(row);
      into.add(fileId, { whole: fingerprint, tiles: parted(tiles ?? '') });
      recent.add(id);
      lastId = Math.max(lastId, id);
    }
  }

  async function readNew(): Promise<FingerprintIndex> {
    const tables = createDatabaseTables(strapi);
    const table = () => tables.table(tables.tableOf(IMAGE_FINGERPRINT_UID));
    const columns = Object.keys(storedSchema.shape);
    const current = index;
    const overlap: [number, number] = [lastId - OVERLAP, lastId];
    if (lastId > 0 && !(await hasOnly(recent, overlap))) {
      const known = idsSchema.parse(await table().select('id').whereBetween('id', overlap));
      const late = known.map(({ id }) => id).filter((id) => !recent.has(id));
      for (const ids of chunksOf(late)) {
        enter(await table().select(columns).whereIn('id', ids), current);
      }
      recent = new Set(known.map(({ id }) => id));
    }
    for (let isMore = true; isMore;) {
      const found: unknown[] = await table()
        .select(columns)
        .where('id', '>', lastId)
        .orderBy('id')
        .limit(PAGE_SIZE);
      enter(found, current);
      isMore = found.length === PAGE_SIZE;
      if (isMore) await nextTurn();
    }
    recent = new Set([...recent].filter((id) => id >= lastId - OVERLAP));
    return current;
  }

  /** Whether the rows with ids in this range are these, by their number and sum: reading a thousand ids takes a while. */
  async function hasOnly(ids: ReadonlySet<number>, range: [number, number]): Promise<boolean> {
    const tables = createDatabaseTables(strapi);
    const [found] = sumsSchema.parse(
      await tables
        .table(tables.tableOf(IMAGE_FINGERPRINT_UID))
        .whereBetween('id', range)
        .count({ count: '*' })
        .sum({ sum: 'id' }),
    );
    let sum = 0;
    for (const id of ids) sum += id;
    return found.count === ids.size && found.sum === sum;
  }

  function keep(): void {
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => {
      index = new FingerprintIndex();
      lastId = 0;
      recent = new Set();
    }, KEPT_MS).unref();
  }

  /** Of a file of the library, they are stored. */
  async function wantedOf(image: ImageTrace | FileTrace): Promise<FingerprintSet> {
    const tables = createDatabaseTables(strapi);
    const [stored] =
      'fileId' in image
        ? z
            .array(storedSchema)
            .parse(
              await tables
                .table(tables.tableOf(IMAGE_FINGERPRINT_UID))
                .select(Object.keys(storedSchema.shape))
                .where({ file_id: image.fileId, version: TILES_VERSION }),
            )
        : [];
    if (!stored) return fingerprintsOf(image);
    return { whole: stored.fingerprint, tiles: parted(stored.tiles ?? '') };
  }

  return async (image, limit) => {
    const wanted = await wantedOf(image);
    if (wanted.whole === null && wanted.tiles.length === 0) return [];
    const read = reading.then(readNew);
    reading = read.catch(() => undefined);
    keep();
    return (await read).sharingTiles(wanted, limit);
  };
}

function parted(tiles: string): string[] {
  return Array.from({ length: Math.floor(tiles.length / DIGITS) }, (_, place) =>
    tiles.slice(place * DIGITS, (place + 1) * DIGITS),
  );
}
