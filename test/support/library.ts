import type { Response } from 'supertest';
import {
  entriesResponseSchema,
  reindexResponseSchema,
  type EntriesResponse,
  type ReindexScope,
} from '../../plugin/src/contracts/management';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import type { StrapiClient, UploadedFile } from './strapi-client';

export interface FileBytes {
  fileName: string;
  bytes: Buffer;
}

export type Entry = EntriesResponse['data'][number];

/** What administrators do to the Media Library and its index, over HTTP. */
export interface Library {
  /** Any request as the super administrator. */
  call(method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object): Promise<Response>;
  /** A multipart request; `fields` that are objects are sent as JSON. */
  send(path: string, files: readonly FileBytes[], fields?: object): Promise<Response>;
  /** Several files in one request of the panel; answered in the order given, which Strapi does not keep. */
  upload(...files: FileBytes[]): Promise<UploadedFile[]>;
  replace(fileId: number, file: FileBytes): Promise<void>;
  createFolder(name: string): Promise<number>;
  reindex(scope: ReindexScope): Promise<number>;
  /** All of them, page by page. */
  entries(): Promise<Entry[]>;
  entry(fileId: number): Promise<Entry>;
  /** Ids of the files found, best first. */
  findText(text: string): Promise<number[]>;
  /** Score of every file found. */
  findImage(image: FileBytes): Promise<Map<number, number>>;
}

const LARGEST_PAGE = 100;

export function createLibrary(client: StrapiClient): Library {
  const { request } = client;

  const call: Library['call'] = async (method, path, body) => {
    const test = request[method](path).auth(await client.adminToken(), { type: 'bearer' });
    return body === undefined ? await test : await test.send(body);
  };

  const send: Library['send'] = async (path, files, fields = {}) => {
    const test = request.post(path).auth(await client.adminToken(), { type: 'bearer' });
    for (const [name, value] of Object.entries(fields)) void test.field(name, toField(value));
    for (const { bytes, fileName } of files) void test.attach('files', bytes, fileName);
    return await test;
  };

  async function entries(): Promise<Entry[]> {
    const all: Entry[] = [];
    let cursor: number | null = 0;
    while (cursor !== null) {
      const page: EntriesResponse = entriesResponseSchema.parse(
        bodyOf(
          await call(
            'get',
            `/image-search/entries?limit=${String(LARGEST_PAGE)}&cursor=${String(cursor)}`,
          ),
        ),
      );
      all.push(...page.data);
      cursor = page.meta.nextCursor;
    }
    return all;
  }

  return {
    call,
    send,
    entries,
    upload: async (...files) => inOrder(files, bodyOf(await send('/upload', files))),
    replace: async (fileId, file) => {
      bodyOf(await send(`/upload?id=${String(fileId)}`, [file]));
    },
    async createFolder(name) {
      const created = bodyOf(await call('post', '/upload/folders', { name, parent: null }));
      return (created as { data: { id: number } }).data.id;
    },
    async reindex(scope) {
      const body = bodyOf(await call('post', '/image-search/reindex', { scope }));
      return reindexResponseSchema.parse(body).data.marked;
    },
    async entry(fileId) {
      const found = (await entries()).find((entry) => entry.fileId === fileId);
      if (!found) throw new Error(`File ${String(fileId)} has no index entry.`);
      return found;
    },
    async findText(text) {
      const body = bodyOf(await call('post', '/image-search/search', { text }));
      return (body as SearchResponse).data.map(({ file }) => file.id);
    },
    async findImage({ bytes }) {
      const image = bytes.toString('base64');
      const body = bodyOf(await call('post', '/image-search/search', { image }));
      return new Map(
        (body as SearchResponse).data.map(({ file, score }) => [file.id, score ?? -1]),
      );
    },
  };
}

/** An image of the sample library by what it shows. */
export async function sampleImage(concept: string): Promise<FileBytes> {
  const image = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!image) throw new RangeError(`The sample library has no image of "${concept}".`);
  return { fileName: image.fileName, bytes: await renderSampleImage(image) };
}

/** The first images of the sample library. */
export async function sampleImages(count: number): Promise<FileBytes[]> {
  const images = sampleLibrary.slice(0, count);
  return Promise.all(
    images.map(async (image) => ({
      fileName: image.fileName,
      bytes: await renderSampleImage(image),
    })),
  );
}

/** What was uploaded in one request, by name in the order given. */
export function inOrder(files: readonly FileBytes[], body: unknown): UploadedFile[] {
  const uploaded = body as UploadedFile[];
  return files.map(({ fileName }) => {
    const file = uploaded.find(({ name }) => name === fileName);
    if (!file) throw new Error(`The answer names no file "${fileName}".`);
    return file;
  });
}

function bodyOf({ status, body }: Response): unknown {
  if (status === 200 || status === 201) return body;
  throw new Error(`Strapi answered ${String(status)}: ${JSON.stringify(body)}`);
}

function toField(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
