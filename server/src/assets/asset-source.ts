import { createHash } from 'node:crypto';
import { access, constants, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ImageSearchError, FetchError } from '../../../plugin/src/errors';
import type { AssetDescription, AssetSource } from '../../../plugin/src/indexing/contract';
import type { GuardedFetch } from '../../../plugin/src/network/contract';
import { FILE_UID } from '../plugin-id';
import { libraryOf } from './library';

const LOCAL_PROVIDER = 'local';
const BYTES_PER_KILOBYTE = 1_000;

/** Values in one SQL list: long lists plan slowly. */
const LARGEST_LIST = 500;

/** Imports and raw SQL may leave columns empty; such a row must not hide the others. */
const text = z
  .string()
  .nullable()
  .transform((value) => value ?? '');
const pixels = z.number().nullable().catch(null);

const fileSchema = z.object({
  id: z.number(),
  name: text,
  hash: text,
  ext: text,
  mime: text,
  /** Decimal kilobytes. */
  size: z.coerce.number().catch(0),
  width: pixels,
  height: pixels,
  provider: text,
  createdAt: z.coerce.date().catch(new Date(0)),
});
const COLUMNS = Object.keys(fileSchema.shape);

/** The whole row: a storage provider may need any column to locate the bytes. */
const storedFileSchema = z.looseObject({ ...fileSchema.shape, url: text });

type FileRow = z.output<typeof fileSchema>;
type StoredFile = z.output<typeof storedFileSchema>;

export interface AssetSourceOptions {
  strapi: Core.Strapi;
  remote: GuardedFetch;
  /** For one file, in milliseconds. */
  readTimeoutMs: number;
}

/** The files of Strapi's Media Library that are indexed, without merged copies in the trash: read from disk, or through the storage provider's (signed) URLs. */
export function createAssetSource({
  strapi,
  remote,
  readTimeoutMs,
}: AssetSourceOptions): AssetSource {
  const files = () => strapi.db.query(FILE_UID);
  const inLibrary = (): object => libraryOf(strapi).condition();

  async function findDescribed(where: object, page: object = {}): Promise<AssetDescription[]> {
    const rows: unknown[] = await files().findMany({
      where: { $and: [inLibrary(), where] },
      select: COLUMNS,
      ...page,
    });
    return rows.map((row) => describeRow(fileSchema.parse(row)));
  }

  async function findStored(fileId: number): Promise<StoredFile> {
    const found: unknown = await files().findOne({
      where: { $and: [inLibrary(), { id: fileId }] },
    });
    if (found) return storedFileSchema.parse(found);
    throw missingError(`File ${String(fileId)}`, 'it was deleted');
  }

  return {
    async describe(fileId) {
      const [asset] = await findDescribed({ id: fileId });
      return asset ?? null;
    },

    async describeMany(fileIds) {
      const described: AssetDescription[] = [];
      for (let start = 0; start < fileIds.length; start += LARGEST_LIST) {
        const ids = fileIds.slice(start, start + LARGEST_LIST);
        described.push(...(await findDescribed({ id: { $in: ids } })));
      }
      return described;
    },

    async read(fileId, { maxBytes, maxPixels, signal }) {
      const stored = await findStored(fileId);
      const row = maxPixels === undefined ? stored : fittingCopy(stored, { maxBytes, maxPixels });
      if (!isWithin(row, maxBytes)) throw tooLargeError(row, maxBytes);
      return row.provider === LOCAL_PROVIDER
        ? readLocal({ row, strapi, maxBytes, signal: withTimeout(signal, readTimeoutMs) })
        : readRemote({ row, strapi, remote, maxBytes, timeoutMs: readTimeoutMs, signal });
    },

    async withFile(fileId, { maxBytes, maxCopiedBytes, signal }, use) {
      const row = await findStored(fileId);
      if (row.provider === LOCAL_PROVIDER) {
        if (!isWithin(row, maxBytes)) throw tooLargeError(row, maxBytes, 'indexing.maxVideoBytes');
        const file = localFileOf(row, strapi);
        await checkLocal(row, file);
        return use(file);
      }
      const limit = Math.min(maxBytes, maxCopiedBytes);
      if (!isWithin(row, limit)) throw tooLargeError(row, limit);
      const timeoutMs = readTimeoutMs;
      const bytes = await readRemote({ row, strapi, remote, maxBytes: limit, timeoutMs, signal });
      const folder = await mkdtemp(path.join(tmpdir(), 'image-search-'));
      try {
        const copy = path.join(folder, 'copy');
        await writeFile(copy, bytes);
        return await use(copy);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },

    async iterate(cursor, limit) {
      const after = cursor === null ? {} : { id: { $gt: cursor } };
      const assets = await findDescribed(after, { orderBy: { id: 'asc' }, limit });
      const last = assets.length === limit ? assets.at(-1) : undefined;
      return { assets, nextCursor: last?.fileId ?? null };
    },

    async count() {
      return files().count({ where: inLibrary() });
    },
  };
}

/** The size in the row is rounded to ten bytes. */
function isWithin({ size }: FileRow, maxBytes: number): boolean {
  return size * BYTES_PER_KILOBYTE <= maxBytes + 10;
}

const copySchema = z.object({
  hash: z.string(),
  ext: z.string(),
  url: z.string(),
  mime: z.string(),
  size: z.number(),
  width: z.number(),
  height: z.number(),
});
const copiesSchema = z.object({ formats: z.record(z.string(), z.unknown()) });

/** The image, or if it is too large, the largest of the copies that Strapi made; the image if none fits. */
function fittingCopy(
  image: StoredFile,
  { maxBytes, maxPixels }: { maxBytes: number; maxPixels: number },
): StoredFile {
  const fits = (row: StoredFile): boolean =>
    isWithin(row, maxBytes) && (row.width ?? 0) * (row.height ?? 0) <= maxPixels;
  if (fits(image)) return image;
  const { formats = {} } = copiesSchema.safeParse(image).data ?? {};
  const copies = Object.values(formats).flatMap((format) => {
    const copy = copySchema.safeParse(format).data;
    return copy ? [{ ...image, ...copy }] : [];
  });
  const largest = copies.filter(fits).sort((one, other) => other.width - one.width)[0];
  return largest ?? image;
}

/** An image to show, as stored. */
export interface Thumbnail {
  bytes: Uint8Array;
  mimeType: string;
}

export type ReadThumbnail = (
  fileId: number,
  signal: AbortSignal | undefined,
) => Promise<Thumbnail | null>;

/** Without a thumbnail of Strapi's, an image of this size in one of these formats serves as its own. */
const LARGEST_THUMBNAIL = 200_000;
const SHOWN_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

const thumbnailSchema = z.object({
  formats: z.object({
    thumbnail: z.object({ hash: z.string(), ext: z.string(), url: z.string(), mime: z.string() }),
  }),
});

/**
 * Reads the thumbnails that Strapi made; null for a file that has none and is too large, or of a format that few can show.
 *
 * @throws ImageSearchError as `AssetSource.read`
 */
export function createThumbnailReader({
  strapi,
  remote,
  readTimeoutMs,
}: AssetSourceOptions): ReadThumbnail {
  return async (fileId, signal) => {
    const found: unknown = await strapi.db
      .query(FILE_UID)
      .findOne({ where: { $and: [libraryOf(strapi).condition(), { id: fileId }] } });
    if (!found) return null;
    const file = storedFileSchema.parse(found);
    const row = { ...file, ...thumbnailSchema.safeParse(found).data?.formats.thumbnail };
    if (!SHOWN_TYPES.includes(row.mime)) return null;
    const options = { row, strapi, maxBytes: LARGEST_THUMBNAIL };
    try {
      const bytes =
        row.provider === LOCAL_PROVIDER
          ? await readLocal({ ...options, signal: withTimeout(signal, readTimeoutMs) })
          : await readRemote({ ...options, remote, timeoutMs: readTimeoutMs, signal });
      return { bytes, mimeType: row.mime };
    } catch (error) {
      if (error instanceof ImageSearchError && error.code === 'image-too-large') return null;
      throw error;
    }
  };
}

function describeRow(row: FileRow): AssetDescription {
  return {
    fileId: row.id,
    name: row.name,
    mimeType: row.mime,
    extension: row.ext.toLowerCase(),
    sizeInBytes: Math.round(row.size * BYTES_PER_KILOBYTE),
    createdAt: row.createdAt.toISOString(),
    signature: signatureOf(row),
  };
}

/** Everything in a row that changes with its bytes, and nothing that changes when it is moved or renamed. */
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
  const file = localFileOf(row, strapi);
  try {
    const bytes = await readAtMost(file, maxBytes, signal);
    if (bytes) return bytes;
  } catch (error) {
    throw localFailure(row, error);
  }
  throw tooLargeError(row, maxBytes);
}

function localFileOf(row: FileRow, strapi: Core.Strapi): string {
  if (row.hash === '') throw lostError(row, 'its row has no "hash"');
  const name = path.basename(`${row.hash}${row.ext}`);
  return path.join(strapi.dirs.static.public, 'uploads', name);
}

async function checkLocal(row: FileRow, file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw localFailure(row, error);
  }
}

function localFailure(row: FileRow, error: unknown): ImageSearchError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return missingError(`"${row.name}"`, "it isn't in the uploads folder", error);
  }
  return unreachableError(row, `the disk reported ${code ?? 'an error'}.`, error);
}

/** Into one buffer, because joining a large file from pieces blocks the event loop; null if there are more bytes. */
async function readAtMost(
  file: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const handle = await open(file);
  try {
    if ((await handle.stat()).size > maxBytes) return null;
    const bytes = await handle.readFile({ signal });
    // The file may have grown.
    return bytes.length > maxBytes ? null : bytes;
  } finally {
    await handle.close();
  }
}

async function readRemote(options: {
  row: StoredFile;
  strapi: Core.Strapi;
  remote: GuardedFetch;
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}): Promise<Uint8Array> {
  const { row, strapi, remote, maxBytes, timeoutMs, signal } = options;
  try {
    // The signed URL never leaves this function: it is neither stored nor logged.
    const signed = (await strapi
      .plugin('upload')
      .service('file')
      // Without its formats, each of which would be signed too.
      .signFileUrls({ ...row, formats: null })) as { url: string };
    if (!isWebAddress(signed.url)) throw lostError(row, 'it has no http or https URL');
    return await remote.fetchBytes(signed.url, { maxBytes, timeoutMs, signal });
  } catch (error) {
    if (error instanceof ImageSearchError) throw error;
    if (!(error instanceof FetchError))
      throw unreachableError(row, 'the storage provider failed.', error);
    switch (error.failure) {
      case 'missing':
        throw missingError(
          `"${row.name}"`,
          `it isn't in storage (${error.message.replace(/\.$/, '')})`,
          error,
        );
      case 'too-large':
        throw tooLargeError(row, maxBytes);
      case 'refused':
        throw new ImageSearchError({
          code: 'storage-refused',
          message: `"${row.name}" can't be read: ${error.message} If this is your storage, add its host to indexing.allowedHosts.`,
          retryable: false,
          cause: error,
        });
      case 'forbidden':
        throw unreachableError(
          row,
          `${error.message} Check that the file exists and that the storage provider's key may read it; a private bucket needs ACL: 'private' in config/plugins.`,
          error,
        );
      case 'wrong-type':
      case 'unreachable':
        throw unreachableError(row, error.message, error);
    }
  }
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

function withTimeout(signal: AbortSignal | undefined, milliseconds: number): AbortSignal {
  const timeout = AbortSignal.timeout(milliseconds);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function missingError(what: string, why: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-missing',
    message: `${what} can't be read: ${why}. Upload it again or delete it.`,
    // Storage may lag behind the database for a moment.
    retryable: true,
    cause,
  });
}

/** For a row that doesn't say where its bytes are: retrying can't help. */
function lostError({ name }: FileRow, why: string): ImageSearchError {
  return new ImageSearchError({
    code: 'image-missing',
    message: `"${name}" can't be read: ${why}. Upload it again or delete it.`,
    retryable: false,
  });
}

function tooLargeError(
  row: FileRow,
  maxBytes: number,
  setting = 'indexing.maxBytes',
): ImageSearchError {
  return new ImageSearchError({
    code: 'image-too-large',
    message: `"${row.name}" is too large: ${String(row.size)} kB. The limit is ${String(maxBytes)} bytes (${setting}).`,
    retryable: false,
  });
}

function unreachableError(row: FileRow, why: string, cause: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreachable',
    message: `"${row.name}" can't be read right now: ${why}`,
    retryable: true,
    cause,
  });
}
