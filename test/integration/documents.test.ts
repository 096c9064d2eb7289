import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { fileIndexResponseSchema } from '../../plugin/src/contracts/file-status';
import { searchResponseSchema, type SearchResponse } from '../../plugin/src/contracts/search';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import { casesFolder, describeWithCases } from '../support/paths';
import { pdfOf } from '../support/pdf-file';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { videoOf } from '../support/video-file';

async function imageOf(concept: string): Promise<Buffer> {
  const image = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!image) throw new Error(`no image of ${concept}`);
  return await renderSampleImage(image);
}

let app: StrapiApp;
beforeAll(async () => {
  app = await startStrapi({
    imageSearch: { words: { enabled: true }, indexing: { views: { parts: 0, frames: 0 } } },
  });
});
afterAll(async () => {
  await app.stop();
});

async function search(query: Record<string, string>): Promise<SearchResponse> {
  const { body, status } = await app.request
    .get('/image-search/search')
    .query(query)
    .auth(await app.adminToken(), { type: 'bearer' });
  expect(status).toBe(200);
  return searchResponseSchema.parse(body);
}

async function stateOf(fileId: number) {
  const { body } = await app.request
    .get(`/image-search/files/${String(fileId)}/index`)
    .auth(await app.adminToken(), { type: 'bearer' });
  return fileIndexResponseSchema.parse(body).data;
}

async function preview(fileId: number, query: Record<string, string> = {}) {
  return app.request
    .get(`/image-search/previews/${String(fileId)}`)
    .query(query)
    .auth(await app.adminToken(), { type: 'bearer' })
    .responseType('blob');
}

describe('PDF documents', () => {
  let documentId: number;
  let photoId: number;
  let document: Buffer;
  beforeAll(async () => {
    const [dog, guitar] = [await imageOf('dog'), await imageOf('guitar')];
    document = await pdfOf([
      { image: guitar, text: 'Annual report of the turnip cooperative' },
      { text: 'Zebrawood inventory', color: '#224466' },
      { image: dog },
    ]);
    const uploaded = await app.uploadThroughAdmin(document, 'report.pdf');
    documentId = uploaded.id;
    expect(uploaded).toMatchObject({ mime: 'application/pdf' });
    photoId = (await app.uploadThroughAdmin(await imageOf('red-apple'), 'apple.jpg')).id;
    await app.waitUntilIndexed();
  });

  it('are found by an image on their third page, and the answer names that page', async () => {
    const { data, meta } = await search({ text: 'a dog', mode: 'vector' });
    expect(data[0]).toMatchObject({
      file: { id: documentId },
      matchedBy: ['image'],
      view: { kind: 'page', number: 3 },
    });
    expect(meta.index).toMatchObject({ indexed: 2, total: 2 });
  });

  it('are found by words of their second page', async () => {
    const found = await pollUntil(
      () => search({ text: 'zebrawood inventory', mode: 'text' }),
      ({ data }) => data.length > 0,
    );
    expect(found.data).toHaveLength(1);
    expect(found.data[0]).toMatchObject({ file: { id: documentId }, matchedBy: ['text'] });
  });

  it('are left out by kind=image, found alone by kind=document, and counted by the facet', async () => {
    const documents = await search({ kind: 'document', facets: 'kind' });
    expect(documents.data.map(({ file }) => file.id)).toEqual([documentId]);
    expect(documents.meta.facets?.kind).toEqual([{ value: 'document', count: 1 }]);
    const images = await search({ text: 'a dog', kind: 'image', mode: 'vector' });
    expect(images.data.map(({ file }) => file.id)).toEqual([photoId]);
    const all = await search({ facets: 'kind,type' });
    expect(all.meta.facets?.kind).toEqual([
      { value: 'document', count: 1 },
      { value: 'image', count: 1 },
    ]);
  });

  it('show WebP previews of the pages they have, to admins and public callers who may see the file', async () => {
    for (const query of [{}, { page: '3' }]) {
      const { body, status, type } = await preview(documentId, query);
      expect({ status, type }).toEqual({ status: 200, type: 'image/webp' });
      const { width } = await sharp(body as Buffer).metadata();
      expect(width).toBe(566);
    }
    expect((await preview(documentId, { page: '4' })).status).toBe(404);
    expect((await preview(photoId)).status).toBe(404);
    const address = `/image-search/previews/${String(documentId)}`;
    expect((await app.request.get(address)).status).toBe(401);
    expect((await app.request.get(`/api${address}`)).status).toBe(403);
    await app.grantPublic(['plugin::image-search.previews.findOne']);
    const shown = await app.request.get(`/api${address}`).query({ page: 3 });
    expect({ status: shown.status, type: shown.type }).toEqual({ status: 200, type: 'image/webp' });
    expect((await app.request.get(`/api${address}`).query({ page: 0 })).status).toBe(400);
  });

  it('are duplicates of a copy with the same bytes, not of an image of one of their pages', async () => {
    const copy = await app.uploadThroughAdmin(document, 'copy.pdf');
    const page = await sharp((await preview(documentId)).body as Buffer)
      .jpeg({ quality: 95 })
      .toBuffer();
    const exported = await app.uploadThroughAdmin(page, 'exported.jpg');
    await app.waitUntilIndexed();
    const token = await app.adminToken();
    const duplicatesOf = async (fileId: number) => {
      const { body } = await app.request
        .get(`/image-search/files/${String(fileId)}/duplicates`)
        .auth(token, { type: 'bearer' });
      return (body as { data: { file: { id: number }; pair: { kind: string } }[] }).data.map(
        ({ file, pair }) => [file.id, pair.kind],
      );
    };
    const found = await pollUntil(
      () => duplicatesOf(documentId),
      ({ length }) => length > 0,
    );
    expect(found).toEqual([[copy.id, 'identical']]);
    expect(await duplicatesOf(exported.id)).toEqual([]);
    // Words follow a moment later.
    const texts = await pollUntil(
      () => search({ text: 'zebrawood inventory', mode: 'text', collapse: 'false' }),
      ({ data }) => data.length > 1,
    );
    expect(texts.data.map(({ file }) => file.id).sort()).toEqual([documentId, copy.id]);
  });

  it('with a password are skipped with that reason, and have no preview', async () => {
    const secret = await pdfOf([{ text: 'Secret' }], { password: 'sesame' });
    const { id } = await app.uploadThroughAdmin(secret, 'secret.pdf');
    await app.waitUntilIndexed();
    expect(await stateOf(id)).toMatchObject({
      state: 'skipped',
      reason: 'unsupported',
      message: expect.stringContaining('needs a password'),
    });
    expect((await preview(id)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('videos', () => {
  it('are found by a frame, whose second the answer says, and show that frame and no other', async () => {
    const concepts = ['pizza', 'castle', 'sunflower', 'bicycle'];
    const scenes = await Promise.all(
      concepts.map(async (concept) =>
        sharp(await imageOf(concept))
          .resize({ width: 256, height: 256, fit: 'contain', background: '#ffffff' })
          .flatten({ background: '#ffffff' })
          .png()
          .toBuffer(),
      ),
    );
    const { id, mime } = await app.uploadThroughAdmin(await videoOf(scenes), 'film.mp4');
    expect(mime).toBe('video/mp4');
    await app.waitUntilIndexed();
    const { data } = await search({ text: 'sunflower', mode: 'vector', kind: 'video' });
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ file: { id }, view: { kind: 'frame' } });
    expect([5, 6]).toContain(data[0]?.view?.number);
    const shown = await preview(id, { frame: String(data[0]?.view?.number) });
    expect({ status: shown.status, type: shown.type }).toEqual({ status: 200, type: 'image/webp' });
    expect((await preview(id)).status).toBe(200);
    expect((await preview(id, { frame: '99' })).status).toBe(404);
    expect((await preview(id, { frame: '1', page: '1' })).status).toBe(400);
  });
});

describeWithCases('HEIC images', () => {
  it('are indexed, have similar images and their displayed orientation, and show a WebP preview', async () => {
    const photo = await readFile(path.join(casesFolder, 'photo.heic'));
    const { id, mime } = await app.uploadThroughAdmin(photo, 'photo.heic');
    expect(mime).toMatch(/^image\/hei[cf]$/);
    await app.waitUntilIndexed();
    expect(await stateOf(id)).toMatchObject({ state: 'indexed', isSearchable: true });
    const { body } = await app.request
      .get(`/image-search/similar/${String(id)}`)
      .auth(await app.adminToken(), { type: 'bearer' });
    expect(searchResponseSchema.parse(body).data.length).toBeGreaterThan(0);
    const landscape = await search({ orientation: 'landscape', 'filters[ext][$eq]': '.heic' });
    expect(landscape.data.map(({ file }) => file.id)).toEqual([id]);
    const shown = await preview(id);
    expect({ status: shown.status, type: shown.type }).toEqual({ status: 200, type: 'image/webp' });
  });
});
