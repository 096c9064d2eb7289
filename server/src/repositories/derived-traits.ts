import type { Core } from '@strapi/strapi';
import type { FileTrace, ImageTraces } from '../../../plugin/src/duplicates/contract';
import { PALETTE_VERSION } from '../../../plugin/src/images/palette';
import { TILES_VERSION } from '../../../plugin/src/matching/tiles';
import { IMAGE_COLOR_UID, IMAGE_FINGERPRINT_UID, IMAGE_TRACE_UID } from '../plugin-id';
import { createDatabaseTables } from '../usage/database-tables';
import { type ColorRow, replaceColors, toColorRows } from './image-colors';
import { type FingerprintRow, replaceFingerprints, toFingerprintRows } from './image-fingerprints';
import { retryConflicts } from './row-locks';

/** Traces of which everything is derived in one step. */
const PAGE_SIZE = 50;

type Transaction = NonNullable<Parameters<typeof createDatabaseTables>[1]>;

/** What tables hold that is derived from traces alone: colors and fingerprints. */
export interface DerivedRows {
  colors: readonly ColorRow[];
  fingerprints: readonly FingerprintRow[];
}

export async function derive(traces: readonly FileTrace[]): Promise<DerivedRows> {
  return { colors: await toColorRows(traces), fingerprints: await toFingerprintRows(traces) };
}

/** Replaces what was derived for these files, in the transaction that has locked their traces. */
export async function replaceDerived(
  strapi: Core.Strapi,
  transaction: Transaction,
  { derived, fileIds }: { fileIds: readonly number[]; derived: DerivedRows | null },
): Promise<void> {
  const ofFiles = <Row extends { file_id: number }>(rows: readonly Row[] = []): Row[] =>
    rows.filter((row) => fileIds.includes(row.file_id));
  await replaceColors(strapi, transaction, { fileIds, rows: ofFiles(derived?.colors) });
  await replaceFingerprints(strapi, transaction, { fileIds, rows: ofFiles(derived?.fingerprints) });
}

/**
 * Derives what is missing, such as for images that were indexed before it was derived. Walks over all traces once, and
 * reads no file.
 */
export async function fillDerived(
  strapi: Core.Strapi,
  traces: Pick<ImageTraces, 'get' | 'listIds'>,
  signal: AbortSignal,
): Promise<void> {
  let cursor: number | null = null;
  do {
    const page: Awaited<ReturnType<ImageTraces['listIds']>> = await traces.listIds(
      cursor,
      PAGE_SIZE,
    );
    const colored = await knownOf(strapi, page.ids, IMAGE_COLOR_UID, {
      position: 0,
      version: PALETTE_VERSION,
    });
    const fingerprinted = await knownOf(strapi, page.ids, IMAGE_FINGERPRINT_UID, {
      version: TILES_VERSION,
    });
    const missing = page.ids.filter((id) => !colored.has(id) || !fingerprinted.has(id));
    if (missing.length > 0) await fill(strapi, await traces.get(missing));
    cursor = page.nextCursor;
  } while (cursor !== null && !signal.aborted);
}

/** Those of these files that have such a row. */
async function knownOf(
  strapi: Core.Strapi,
  fileIds: readonly number[],
  uid: string,
  where: object,
): Promise<Set<number>> {
  const tables = createDatabaseTables(strapi);
  const rows = await tables
    .table(tables.tableOf(uid))
    .select('file_id')
    .whereIn('file_id', [...fileIds])
    .where(where);
  return new Set(rows.map((row: { file_id: number }) => row.file_id));
}

async function fill(strapi: Core.Strapi, traces: readonly FileTrace[]): Promise<void> {
  const derived = await derive(traces);
  const ids = traces.map(({ fileId }) => fileId);
  await retryConflicts(strapi, () =>
    strapi.db.transaction(async ({ trx }) => {
      const tables = createDatabaseTables(strapi, trx as Transaction);
      // Those that another process replaces or removes meanwhile have rows of their own, or none.
      const locked: { file_id: number; content_hash: string }[] = await tables
        .table(tables.tableOf(IMAGE_TRACE_UID))
        .select('file_id', 'content_hash')
        .whereIn('file_id', ids)
        .orderBy('file_id')
        .forUpdate();
      const hashes = new Map(locked.map((row) => [row.file_id, row.content_hash]));
      const same = traces.filter(({ contentHash, fileId }) => hashes.get(fileId) === contentHash);
      const fileIds = same.map(({ fileId }) => fileId);
      await replaceDerived(strapi, trx as Transaction, { fileIds, derived });
    }),
  );
}
