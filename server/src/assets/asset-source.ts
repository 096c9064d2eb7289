import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { AssetDescription, AssetSource } from '../../../plugin/src/indexing/contract';
import { FetchError, type GuardedFetch } from '../../../plugin/src/network/guarded-fetch';
import { FILE_UID } from '../plugin-id';

/** What decides whether an upload file is a picture. */
export const PICTURES = { mime: { $startsWith: 'image/' } };

const LOCAL_PROVIDER = 'local';
const BYTES_PER_KILOBYTE = 1_000;

const fileSchema = z.object({
  id: z.number(),
  name: z.string(),
  hash: z.string(),
  ext: z.string().nullable(),
  mime: z.string(),
  /** Decimal kilobytes. */
  size: z.coerce.number(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  url: z.string(),
  provider: z.string(),
  createdAt: z.coerce.date(),
});

type FileRow = z.output<typeof fileSchema>;

export interface AssetSourceOptions {
  strapi: Core.Strapi;
  remote: GuardedFetch;
  /** For one file, in milliseconds. */
  readTimeoutMs: number;
}

/** The pictures of Strapi's Media Library: read from disk, or through the storage provider's (signed) URLs. */
export function createAssetSource({
  strapi,
  remote,
  readTimeoutMs,
}: AssetSourceOptions): AssetSource {
  const files = () => strapi.db.query(FILE_UID);

  async function findRow(fileId: number): Promise<FileRow | null> {
    const row: unknown = await files().findOne({ where: { id: fileId, ...PICTURES } });
    return row ? fileSchema.parse(row) : null;
  }

  return {
    async describe(fileId) {
      const row = await findRow(fileId);
      return row && describeRow(row);
    },

    async read(fileId, { maxBytes, signal }) {
      const row = await findRow(fileId);
      if (!row) throw missingError(`File ${String(fileId)}`, 'it was deleted');
      const sizeInBytes = row.size * BYTES_PER_KILOBYTE;
      // The size in the row is rounded to ten bytes.
      if (sizeInBytes > maxBytes + 10) throw tooLargeError(row, maxBytes);
      return row.provider === LOCAL_PROVIDER
        ? readLocal({ row, strapi, maxBytes, signal: withTimeout(signal, readTimeoutMs) })
        : readRemote({ row, strapi, remote, maxBytes, timeoutMs: readTimeoutMs, signal });
    },

    async iterate(cursor, limit) {
      const rows: unknown[] = await files().findMany({
        where: { ...PICTURES, ...(cursor !== null && { id: { $gt: cursor } }) },
        orderBy: { id: 'asc' },
        limit,
      });
      const assets = rows.map((row) => describeRow(fileSchema.parse(row)));
      const last = assets.length === limit ? assets.at(-1) : undefined;
      return { assets, nextCursor: last?.fileId ?? null };
    },

    async count() {
      return files().count({ where: PICTURES });
    },
  };
}

function describeRow(row: FileRow): AssetDescription {
  return {
    fileId: row.id,
    name: row.name,
    mimeType: row.mime,
    extension: (row.ext ?? '').toLowerCase(),
    sizeInBytes: Math.round(row.size * BYTES_PER_KILOBYTE),
    createdAt: row.createdAt.toISOString(),
    signature: signatureOf(row),
  };
}

/** Everything of a row that changes when its bytes do, and nothing that changes when it is moved or renamed. */
function signatureOf({ hash, ext, mime, size, width, height, provider }: FileRow): string {
  return createHash('sha256')
    .update(JSON.stringify([hash, ext, mime, size, width, height, provider]))
    .digest('hex');
}

async function readLocal(options: {
  row: FileRow;
  strapi: Core.Strapi;
  maxBytes: number;
  signal: AbortSignal;
}): Promise<Uint8Array> {
  const { row, strapi, maxBytes, signal } = options;
  const file = path.join(
    strapi.dirs.static.public,
    'uploads',
    path.basename(`${row.hash}${row.ext ?? ''}`),
  );
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file, { signal })) {
      const bytes = chunk as Buffer;
      size += bytes.length;
      if (size > maxBytes) throw tooLargeError(row, maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof ImageSearchError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw missingError(`"${row.name}"`, 'it is not in the uploads folder', error);
    throw unreachableError(row, `the disk answered ${code ?? 'with an error'}`, error);
  }
  return Buffer.concat(chunks);
}

async function readRemote(options: {
  row: FileRow;
  strapi: Core.Strapi;
  remote: GuardedFetch;
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}): Promise<Uint8Array> {
  const { row, strapi, remote, maxBytes, timeoutMs, signal } = options;
  try {
    // The signed address lives in this function alone: it is neither stored nor logged.
    const signed = (await strapi
      .plugin('upload')
      .service('file')
      .signFileUrls({ ...row })) as { url: string };
    return await remote.fetchBytes(signed.url, { maxBytes, timeoutMs, signal });
  } catch (error) {
    if (!(error instanceof FetchError)) throw unreachableError(row, 'the provider failed', error);
    switch (error.failure) {
      case 'missing':
        throw missingError(
          `"${row.name}"`,
          `the storage does not have it: ${error.message}`,
          error,
        );
      case 'too-large':
        throw tooLargeError(row, maxBytes);
      case 'refused':
        throw new ImageSearchError({
          code: 'image-unreachable',
          message: `"${row.name}" is not read: ${error.message} If this is your storage, list its host in indexing.allowedHosts.`,
          retryable: false,
          cause: error,
        });
      case 'unreachable':
        throw unreachableError(row, error.message, error);
    }
  }
}

function withTimeout(signal: AbortSignal | undefined, milliseconds: number): AbortSignal {
  const timeout = AbortSignal.timeout(milliseconds);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function missingError(what: string, why: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-missing',
    message: `${what} cannot be read: ${why}. Upload it again or delete it.`,
    // Storage may lag behind the database for a moment.
    retryable: true,
    cause,
  });
}

function tooLargeError(row: FileRow, maxBytes: number): ImageSearchError {
  return new ImageSearchError({
    code: 'image-too-large',
    message: `"${row.name}" has ${String(row.size)} kB, more than the ${String(maxBytes)} bytes that indexing.maxBytes allows.`,
    retryable: false,
  });
}

function unreachableError(row: FileRow, why: string, cause: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreachable',
    message: `"${row.name}" cannot be read now: ${why}`,
    retryable: true,
    cause,
  });
}
