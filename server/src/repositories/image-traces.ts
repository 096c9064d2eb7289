import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  MAX_REFUTED,
  type ComparedFile,
  type FileTrace,
  type ImageTraces,
} from '../../../plugin/src/duplicates/contract';
import type { Logger } from '../../../plugin/src/logger';
import { IMAGE_TRACE_UID } from '../plugin-id';
import { prefixedLogger } from '../prefixed-logger';
import { chunksOf } from '../usage/database-tables';
import { derive, replaceDerived } from './derived-traits';
import { createTileSearch } from './image-fingerprints';
import { removeTags, removeTagsOfOtherBytes } from './image-tags';
import { createRowReader } from './readable-rows';
import { retryConflicts } from './row-locks';

/** Rows in one INSERT, about 2 kB each. */
const LARGEST_INSERT = 100;

const idSchema = z.object({ fileId: z.number() });

const idColumnSchema = z.object({ file_id: z.number() });

const looksSchema = z.object({
  fingerprint: z.object({ bits: z.string(), quality: z.number() }),
  thumbnail: z.string(),
});

/** Depending on the database, JSON columns are parsed or text. */
const jsonSchema = z.preprocess(
  (value) => (typeof value === 'string' ? parsed(value) : value),
  looksSchema.nullable(),
);

const rowSchema = z.object({
  file_id: z.number(),
  content_hash: z.string(),
  fingerprint: z.string().nullable(),
  fingerprint_quality: z.number().nullable(),
  thumbnail: z.string().nullable(),
  on_black: jsonSchema,
  width: z.number(),
  height: z.number(),
  /** Depending on the database, 0 or 1. */
  is_partial: z.coerce.boolean(),
});

const columns = ['id', ...Object.keys(rowSchema.shape)];

const byFile = [{ fileId: 'asc' }];

const textSchema = z.object({ file_id: z.number(), text: z.string() });

const refutedSchema = z.object({ file_id: z.number(), refuted: z.string().nullable() });

/** Image traces in Strapi's database. Writers of several rows lock them in file order. */
export function createImageTraces(
  strapi: Core.Strapi,
  logger: Logger = prefixedLogger(strapi),
): ImageTraces {
  const rows = () => strapi.db.query(IMAGE_TRACE_UID);
  const toTraces = createRowReader({
    name: 'image trace',
    read: (row) => toTrace(rowSchema.parse(row)),
    logger,
  });

  async function findIds(options: object): Promise<number[]> {
    const found: unknown[] = await rows().findMany({ select: ['fileId'], ...options });
    return found.map((row) => idSchema.parse(row).fileId);
  }

  async function update(where: object, comparedIn: string | null): Promise<number> {
    const updated = await retryConflicts(strapi, () =>
      rows().updateMany({ where, data: { comparedIn } }),
    );
    return updated.count;
  }

  /** Bypasses the model: reading fifty traces for every upload takes half as long. */
  function table() {
    return strapi.db.getConnection(strapi.db.metadata.get(IMAGE_TRACE_UID).tableName);
  }

  /** With what is derived from them. */
  async function insert(traces: readonly FileTrace[]): Promise<void> {
    const derived = await derive(traces);
    const fileIds = traces.map(({ fileId }) => fileId);
    await retryConflicts(strapi, () =>
      strapi.db.transaction(async ({ trx }) => {
        const rowsOfTraces = traces.map(toColumns);
        await table().transacting(trx).insert(rowsOfTraces).onConflict('file_id').merge();
        await replaceDerived(strapi, trx, { fileIds, derived });
        await removeTagsOfOtherBytes(strapi, trx, traces);
      }),
    );
  }

  async function readRefuted(fileIds: readonly number[]): Promise<Map<number, string | null>> {
    const found: unknown[] = [];
    for (const ids of chunksOf(new Set(fileIds))) {
      found.push(...(await table().select('file_id', 'refuted').whereIn('file_id', ids)));
    }
    const parsedRows = found.map((row) => refutedSchema.parse(row));
    return new Map(parsedRows.map(({ file_id: fileId, refuted }) => [fileId, refuted]));
  }

  return {
    async put(traces) {
      const latest = new Map(traces.map((trace) => [trace.fileId, trace]));
      const inOrder = [...latest.values()].sort((one, other) => one.fileId - other.fileId);
      for (const some of chunksOf(inOrder, LARGEST_INSERT)) {
        await insert(some);
      }
    },

    async remove(fileIds) {
      for (const ids of chunksOf(ascending(fileIds))) {
        await retryConflicts(strapi, () =>
          strapi.db.transaction(async ({ trx }) => {
            await rows().deleteMany({ where: { fileId: { $in: ids } } });
            await replaceDerived(strapi, trx, { fileIds: ids, derived: null });
            await removeTags(strapi, trx, ids);
          }),
        );
      }
    },

    async get(fileIds) {
      const found: unknown[] = [];
      for (const ids of chunksOf(new Set(fileIds))) {
        found.push(...(await table().select(columns).whereIn('file_id', ids)));
      }
      return toTraces(found);
    },

    async textsOf(fileIds) {
      const texts = new Map<number, string>();
      for (const ids of chunksOf(new Set(fileIds))) {
        const found: unknown[] = await table()
          .select('file_id', 'text')
          .whereIn('file_id', ids)
          .whereNotNull('text');
        for (const row of found) {
          const { file_id: fileId, text } = textSchema.parse(row);
          texts.set(fileId, text);
        }
      }
      return texts;
    },

    async listIds(cursor, limit) {
      const ids = await findIds({
        where: cursor === null ? {} : { fileId: { $gt: cursor } },
        orderBy: byFile,
        limit,
      });
      return { ids, nextCursor: ids.length === limit ? (ids.at(-1) ?? null) : null };
    },

    async withContentHash(contentHash, limit) {
      const found: unknown[] = await table()
        .select('file_id')
        .where('content_hash', contentHash)
        .orderBy('file_id')
        .limit(limit);
      return found.map((row) => idColumnSchema.parse(row).file_id);
    },

    sharingTiles: createTileSearch(strapi),

    async markCompared(files, pass) {
      const inOrder = [...files].sort((one, other) => one.fileId - other.fileId);
      for (const some of chunksOf(inOrder, LARGEST_INSERT)) {
        const same = some.map(({ fileId, contentHash }) => ({ fileId, contentHash }));
        await update({ $or: same }, pass);
      }
    },

    async markFailed(fileIds, pass) {
      let count = 0;
      for (const ids of chunksOf(ascending(fileIds))) {
        count += await update({ fileId: { $in: ids } }, pass);
      }
      return count;
    },

    async unmark(fileIds) {
      for (const ids of chunksOf(ascending(fileIds))) {
        await update({ fileId: { $in: ids }, comparedIn: { $notNull: true } }, null);
      }
    },

    async notCompared(pass, limit) {
      const ids: number[] = [];
      // One by one: no database uses the index for a combined condition.
      for (const comparedIn of [{ $null: true }, { $lt: pass }, { $gt: pass }]) {
        const rest = limit - ids.length;
        if (rest === 0) break;
        ids.push(...(await findIds({ where: { comparedIn }, limit: rest })));
      }
      return ids;
    },

    async notRecognized(reader, { after, limit }) {
      const ids: number[] = [];
      // One by one, as above.
      for (const recognizedBy of [{ $null: true }, { $lt: reader }, { $gt: reader }]) {
        const where = { recognizedBy, fileId: { $gt: after } };
        ids.push(...(await findIds({ where, orderBy: byFile, limit })));
      }
      return ascending(ids).slice(0, limit);
    },

    async markRecognized({ contentHash, fileId }, { reader, text }) {
      const data = { recognizedBy: reader, ...(text !== undefined && { text: text || null }) };
      await retryConflicts(strapi, () =>
        rows().updateMany({ where: { fileId, contentHash }, data }),
      );
    },

    async rememberRefuted(file, contentHashes, version) {
      const { contentHash, fileId } = file;
      const known = await readRefuted([fileId]);
      const before = parseRefuted(known.get(fileId), { contentHash, version });
      const hashes = [...new Set([...contentHashes.map(shortHash), ...before])];
      const refuted = [version, shortHash(contentHash), ...hashes.slice(0, MAX_REFUTED)].join(' ');
      await retryConflicts(strapi, () =>
        rows().updateMany({ where: { fileId, contentHash }, data: { refuted } }),
      );
    },

    async refutedAmong(file, others, version) {
      if (others.length === 0) return new Set();
      const known = await readRefuted([file, ...others].map(({ fileId }) => fileId));
      const refutes = ({ contentHash, fileId }: ComparedFile, other: ComparedFile): boolean =>
        parseRefuted(known.get(fileId), { contentHash, version }).includes(
          shortHash(other.contentHash),
        );
      const refuted = others.filter((other) => refutes(file, other) || refutes(other, file));
      return new Set(refuted.map(({ fileId }) => fileId));
    },

    async counts(pass) {
      const [total, compared] = await Promise.all([
        rows().count(),
        rows().count({ where: { comparedIn: pass } }),
      ]);
      return { total, compared };
    },
  };
}

function ascending(fileIds: readonly number[]): number[] {
  return [...new Set(fileIds)].sort((one, other) => one - other);
}

function toColumns(trace: FileTrace) {
  const { fileId, contentHash, fingerprint, isPartial, onBlack, text, thumbnail, width, height } =
    trace;
  return {
    file_id: fileId,
    content_hash: contentHash,
    fingerprint: fingerprint?.bits ?? null,
    fingerprint_quality: fingerprint?.quality ?? null,
    thumbnail,
    on_black: onBlack ? JSON.stringify(onBlack) : null,
    width,
    height,
    text: text ?? null,
    is_partial: isPartial ?? false,
    recognized_by: null,
    compared_in: null,
  };
}

function toTrace(row: z.output<typeof rowSchema>): FileTrace {
  const { fingerprint: bits, fingerprint_quality: quality, on_black: onBlack } = row;
  return {
    fileId: row.file_id,
    contentHash: row.content_hash,
    fingerprint: bits !== null && quality !== null ? { bits, quality } : null,
    thumbnail: row.thumbnail,
    ...(onBlack && { onBlack }),
    ...(row.is_partial && { isPartial: true }),
    width: row.width,
    height: row.height,
  };
}

/** 64 bits are enough to tell a library's images apart. */
function shortHash(contentHash: string): string {
  return contentHash.slice(0, 16);
}

/** The version of the comparison, the short hash of the file's own bytes, and those of what they refute. */
function parseRefuted(
  refuted: string | null | undefined,
  { contentHash, version }: { contentHash: string; version: number },
): string[] {
  const [ofVersion, ofBytes, ...hashes] = (refuted ?? '').split(' ');
  return ofVersion === String(version) && ofBytes === shortHash(contentHash) ? hashes : [];
}

/** Returns invalid JSON unchanged; the schema rejects it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
