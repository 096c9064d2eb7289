import path from 'node:path';
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { systemClock } from '../../plugin/src/clock';
import type { FoundPair } from '../../plugin/src/duplicates/contract';
import type { DuplicateVerdict } from '../../plugin/src/matching/contract';
import {
  createFileMerging,
  type FileMerging,
  type FileMergingOptions,
} from '../../server/src/merging/merging';
import { loadFiles, type LibraryFile } from '../../server/src/usage/library-files';
import { createLibrary, type FileBytes, type Library } from './library';
import { MemoryDuplicatePairs } from './memory-duplicate-pairs';
import { MemoryImageTraces } from './memory-image-traces';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';
import { startStrapi, type StartOptions, type StrapiApp } from './strapi-app';
import { appFolder } from './strapi-environment';

export const ARTICLE = 'api::article.article';
export const HOME_PAGE = 'api::home-page.home-page';

/** A Strapi with articles in English and German, drafts, and a home page. */
export interface MergingApp extends StrapiApp {
  library: Library;
  /** Without a trash: copies are deleted at once. */
  merging: FileMerging;
  /** A merging of its own, as another process has it. */
  createMerging(options?: Partial<FileMergingOptions>): FileMerging;
  logger: RecordingLogger;
  /** What was indexed; empty at first. */
  traces: MemoryImageTraces;
  pairs: MemoryDuplicatePairs;
  /** Images of the same thing in different sizes and formats, uploaded one after the other, with their pairs. */
  uploadCopies(...variants: ImageVariant[]): Promise<LibraryFile[]>;
  files(ids: readonly number[]): Promise<LibraryFile[]>;
  storedNames(): Promise<string[]>;
}

export interface ImageVariant {
  /** In pixels; it is half as high. */
  width: number;
  format: 'png' | 'jpeg' | 'avif';
}

export async function startMergingApp(options: StartOptions = {}): Promise<MergingApp> {
  const app = await startStrapi({
    folder: path.join(appFolder, 'editorial'),
    ...options,
    // No model is needed for it.
    imageSearch: {
      indexing: { enabled: false },
      duplicates: { trashDays: 0 },
      ...options.imageSearch,
    },
  });
  const { strapi } = app;
  const locales = strapi.db.query('plugin::i18n.locale');
  // An app that starts again has it.
  if ((await locales.count({ where: { code: 'de' } })) === 0) {
    await locales.create({ data: { code: 'de', name: 'German (de)' } });
  }
  const library = createLibrary(app);
  const logger = createRecordingLogger();
  const pairs = new MemoryDuplicatePairs(systemClock);
  const traces = new MemoryImageTraces();
  let uploads = 0;
  const createMerging: MergingApp['createMerging'] = (own) =>
    createFileMerging({ strapi, logger, pairs, traces, trashDays: 0, ...own });
  return {
    ...app,
    library,
    logger,
    traces,
    pairs,
    merging: createMerging(),
    createMerging,
    files: (ids) => loadFiles(strapi, ids),
    storedNames: () => readdir(path.join(strapi.dirs.static.public, 'uploads')),
    async uploadCopies(...variants) {
      const ids: number[] = [];
      for (const variant of variants) {
        uploads += 1;
        const [file] = await library.upload(await drawCopy(variant, `image-${String(uploads)}`));
        ids.push(file?.id ?? 0);
      }
      await pairs.record(
        ids.map((fileId, index) => ({
          fileId,
          contentHash: hashOf(fileId),
          pairs: ids.slice(0, index).map((fileA) => pairOf(fileA, fileId, sameImage)),
        })),
      );
      return loadFiles(strapi, ids);
    },
  };
}

const sameImage: DuplicateVerdict = {
  kind: 'same-image',
  fingerprintDistance: 0,
  correlation: 1,
  largestDifference: 0,
};

/** A stand-in for the hash of the file's bytes. */
export function hashOf(fileId: number): string {
  return fileId.toString(16).padStart(64, '0');
}

export function pairOf(fileA: number, fileB: number, verdict: DuplicateVerdict): FoundPair {
  return {
    fileA,
    fileB,
    contentHashA: hashOf(fileA),
    contentHashB: hashOf(fileB),
    verdict,
  };
}

async function drawCopy({ width, format }: ImageVariant, name: string): Promise<FileBytes> {
  const image = sharp({
    create: { width, height: width / 2, channels: 3, background: { r: 200, g: 80, b: 40 } },
  });
  return { fileName: `${name}.${format}`, bytes: await image.toFormat(format).toBuffer() };
}

/** Every row of every table, by table, except those that are left out. */
export async function dumpDatabase(
  { strapi }: StrapiApp,
  { leaveOut = [] }: { leaveOut?: readonly string[] } = {},
): Promise<Map<string, unknown[]>> {
  const dump = new Map<string, unknown[]>();
  for (const { tableName } of strapi.db.metadata.values()) {
    if (leaveOut.includes(tableName)) continue;
    const rows = (await strapi.db.connection(tableName).select('*').orderBy('id')) as {
      key?: unknown;
    }[];
    // Strapi counts files once a week, at a random second.
    dump.set(
      tableName,
      rows.filter(({ key }) => key !== 'plugin_upload_metrics'),
    );
  }
  return dump;
}

/** Tables of what was merged. */
export const journalTables = ['image_search_merges', 'image_search_merged_copies'];

/** An image block as the panel's editor writes it: the address completed by a host. */
export function imageBlock(file: LibraryFile, texts: object = {}): object {
  const { name, width, height, formats, hash, ext, mime, size, previewUrl, provider } = file;
  return {
    type: 'image',
    image: {
      name,
      width,
      height,
      formats,
      hash,
      ext,
      mime,
      size,
      previewUrl,
      provider,
      alternativeText: file.alternativeText ?? name,
      caption: file.caption,
      provider_metadata: null,
      url: `https://cms.example.com${file.url}`,
      createdAt: file.createdAt.toISOString(),
      updatedAt: file.updatedAt.toISOString(),
      ...texts,
    },
    children: [{ type: 'text', text: '' }],
  };
}

export function paragraph(text: string): object {
  return { type: 'paragraph', children: [{ type: 'text', text }] };
}
