import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FileUse, MergeReport, UseObstacle } from '../../plugin/src/contracts/merging';
import type { LibraryFile } from '../../server/src/usage/library-files';
import { findUsage } from '../../server/src/usage/usage';
import {
  type CopyQuality,
  type DuplicateVerdict,
  PIXEL_VERSION,
  type PixelEvidence,
} from '../../plugin/src/matching/contract';
import {
  dumpDatabase,
  journalTables,
  hashOf,
  imageBlock,
  pairOf,
  startMergingApp,
  type MergingApp,
} from '../support/merging-app';
import {
  articleUsing,
  createArticle,
  createHomePage,
  publishArticle,
  readArticle,
} from '../support/merging-content';
import { pollUntil } from '../support/polling';

const DRAFT = { locale: 'en', status: 'draft' } as const;

interface Obstacle {
  path: string;
  kind: string;
  obstacle: UseObstacle['code'];
}

let app: MergingApp;

beforeAll(async () => {
  app = await startMergingApp();
});
afterAll(() => app.stop());

/** The first is the one to keep. */
async function upload(count: number): Promise<[LibraryFile, LibraryFile, ...LibraryFile[]]> {
  const variants = Array.from({ length: count }, (_, index) => ({
    width: 600 - 10 * index,
    format: 'png' as const,
  }));
  const [keep, copy, ...others] = await app.uploadCopies(...variants);
  if (!keep || !copy) throw new Error('Not all are uploaded.');
  return [keep, copy, ...others];
}

function obstaclesIn(report: MergeReport): Pick<FileUse, 'path' | 'kind' | 'obstacle'>[] {
  return report.files.flatMap(({ uses }) =>
    uses
      .filter(({ obstacle }) => obstacle !== null)
      .map(({ path, kind, obstacle }) => ({ path, kind, obstacle })),
  );
}

describe("a use that can't be changed safely", () => {
  const cases: [string, (copy: LibraryFile) => object, Obstacle][] = [
    [
      'an address in JSON',
      ({ url }) => ({ notes: { deep: [{ src: `https://cms.example.com${url}` }] } }),
      { path: 'notes', kind: 'text', obstacle: 'field-type' },
    ],
    [
      'a document id in JSON',
      ({ documentId }) => ({ notes: { picked: documentId } }),
      { path: 'notes', kind: 'text', obstacle: 'field-type' },
    ],
    [
      'an id under a key for a file in JSON',
      ({ id }) => ({ notes: { hero: { imageId: id } } }),
      { path: 'notes', kind: 'id', obstacle: 'file-id' },
    ],
    [
      'an id in a list of images in JSON',
      ({ id }) => ({ notes: { images: [{ id: 1_000_000 }, { id }] } }),
      { path: 'notes', kind: 'id', obstacle: 'file-id' },
    ],
    [
      'an id in a custom field',
      ({ id }) => ({ swatch: `{ "file": { "id": "${String(id)}" } }` }),
      { path: 'swatch', kind: 'id', obstacle: 'file-id' },
    ],
    [
      'an id in a rich text',
      ({ id, url }) => ({ body: `![](${url}) <img data-id="${String(id)}">` }),
      { path: 'body', kind: 'richtext', obstacle: 'not-by-url' },
    ],
    [
      'a format in a plain text',
      ({ formats }) => ({ summary: `See ${formats?.['thumbnail']?.url ?? ''}` }),
      { path: 'summary', kind: 'text', obstacle: 'field-type' },
    ],
    [
      'an address in a custom field',
      ({ url }) => ({ swatch: `![](${url})` }),
      { path: 'swatch', kind: 'text', obstacle: 'custom-field' },
    ],
    [
      'an encoded address in a rich text',
      ({ url }) => ({ body: `![](/_next/image?url=${encodeURIComponent(url)}&w=640)` }),
      { path: 'body', kind: 'richtext', obstacle: 'not-by-url' },
    ],
    [
      'an address in a rich text that continues',
      ({ url }) => ({ body: `![](${url}) and ${url}.bak` }),
      { path: 'body', kind: 'richtext', obstacle: 'not-by-url' },
    ],
    [
      'a signed address in a rich text',
      ({ url }) => ({ body: `![](${url}?X-Amz-Signature=abc)` }),
      { path: 'body', kind: 'richtext', obstacle: 'signed-url' },
    ],
    [
      'an image block with another address',
      (copy) => ({ story: [imageBlock(copy, { url: 'https://cdn.example.com/a.png' })] }),
      { path: 'story', kind: 'blocks', obstacle: 'custom-url' },
    ],
  ];

  it.each(cases)('is listed, and its file stays: %s', async (_name, dataFor, expected) => {
    const [keep, copy, free] = await upload(3);
    if (!free) throw new Error('Not all are uploaded.');
    const data = { ...dataFor(copy), cover: copy.id };
    const { documentId } = await createArticle(app, data);
    const before = await readArticle(app, documentId, DRAFT);
    const request = { fileIds: [keep.id, copy.id, free.id] };
    const dry = await app.merging.plan(request);
    const report = await app.merging.perform(request);
    expect(report).toEqual(dry);
    expect(report.files).toMatchObject([
      { id: keep.id, outcome: 'kept' },
      {
        id: copy.id,
        outcome: 'left',
        obstacle: { code: 'unchangeable-uses', message: "1 of its 2 uses can't be changed." },
      },
      { id: free.id, outcome: 'removed' },
    ]);
    expect(report.warnings).toMatchObject([{ code: 'file-left', fileId: copy.id }]);
    const { obstacle: code, ...place } = expected;
    expect(obstaclesIn(report)).toMatchObject([{ ...place, obstacle: { code } }]);
    const after = await readArticle(app, documentId, DRAFT);
    // What can be changed is, what cannot is as it was.
    expect(after).toMatchObject({ ...before, cover: { id: keep.id } });
    expect(await app.files(request.fileIds)).toHaveLength(2);
  });

  it("is also a relation of another kind, and a field that doesn't accept the file's type", async () => {
    const [keep, copy] = await upload(2);
    await createHomePage(app, { downloads: [copy.id] });
    expect(obstaclesIn(await app.merging.plan({ fileIds: [keep.id, copy.id] }))).toMatchObject([
      { path: 'downloads', kind: 'relation', obstacle: { code: 'relation' } },
    ]);
    const bytes = Buffer.from('Only a text.');
    const [text] = await app.library.upload({ fileName: 'text.txt', bytes });
    const image = await upload(2);
    await createArticle(app, { cover: image[0].id });
    const fileIds = [text?.id ?? 0, image[0].id];
    const report = await app.merging.perform({ fileIds, keepId: text?.id });
    expect(obstaclesIn(report)).toMatchObject([
      { path: 'cover', obstacle: { code: 'file-type', value: 'text/plain' } },
    ]);
    expect(await app.files(fileIds)).toHaveLength(2);
  });

  it('is also a setting of Strapi, such as an e-mail template', async () => {
    const [keep, copy] = await upload(2);
    const store = app.strapi.store({ type: 'plugin', name: 'users-permissions', key: 'email' });
    const before = await store.get({});
    const message = `<img src="https://cms.example.com${copy.url}"> Hello`;
    await store.set({ value: { reset_password: { options: { message } } } });
    const request = { fileIds: [keep.id, copy.id] };
    const dry = await app.merging.plan(request);
    expect(await app.merging.perform(request)).toEqual(dry);
    expect(dry.files[1]).toMatchObject({
      outcome: 'left',
      uses: [
        {
          contentType: { uid: 'strapi::core-store', kind: 'setting' },
          title: 'plugin_users-permissions_email: reset_password.options.message',
          obstacle: { code: 'setting' },
        },
      ],
    });
    expect(await store.get({})).toEqual({ reset_password: { options: { message } } });
    await store.set({ value: before });
  });

  it("isn't a number that may be anything, which is listed as a possible use", async () => {
    const [keep, copy] = await upload(2);
    const { id } = copy;
    const possible = await createArticle(app, { notes: { blocks: [{ ref: id, width: id }] } });
    await createArticle(app, { notes: { order: id, userId: id, ratio: id + 0.5 } });
    await createArticle(app, { summary: `We sold ${String(id)} of them. Image ${String(id)}.` });
    const request = { fileIds: [keep.id, copy.id] };
    const dry = await app.merging.plan(request);
    expect(dry.files[1]).toMatchObject({ outcome: 'removed', useCount: 0, possibleUseCount: 1 });
    expect(dry.files[1]?.uses).toMatchObject([
      {
        kind: 'id',
        certainty: 'possible',
        documentId: possible.documentId,
        path: 'notes',
        mention: `blocks[0].ref: ${String(id)}`,
        obstacle: null,
      },
    ]);
    expect(dry.warnings).toMatchObject([{ code: 'possible-uses', fileId: id, count: 1 }]);
    expect(await app.merging.perform(request)).toEqual(dry);
    expect(await app.files([id])).toEqual([]);
  });

  it("isn't a text that names another file", async () => {
    const [keep, copy] = await upload(2);
    const { documentId } = await createArticle(app, {
      // What Strapi calls a file that was downloaded and uploaded again.
      body: `![](/uploads/${copy.hash}_0123456789.png) /uploads/small_${copy.hash}_1_0123456789.png`,
      notes: { word: copy.name },
    });
    expect((await findUsage(app.strapi, [copy.id])).size).toBe(0);
    const before = await readArticle(app, documentId, DRAFT);
    await app.merging.perform({ fileIds: [keep.id, copy.id] });
    expect(await readArticle(app, documentId, DRAFT)).toEqual(before);
    expect(await app.files([copy.id])).toEqual([]);
  });
});

describe('what the kept file takes over', () => {
  async function describeFile(id: number, data: object): Promise<void> {
    await app.strapi.plugin('upload').service('upload').updateFileInfo(id, data);
  }

  it('is what it lacks: description, caption and folder, never the name', async () => {
    const [keep, first, second] = await upload(3);
    if (!second) throw new Error('Not all are uploaded.');
    const folder = await app.library.createFolder('Holidays');
    await describeFile(keep.id, { caption: 'Mine' });
    await describeFile(second.id, { alternativeText: 'A bay', caption: 'Yours', folder });
    const request = { fileIds: [keep.id, first.id, second.id] };
    const report = await app.merging.plan(request);
    expect(report.carriedOver).toEqual({
      alternativeText: 'A bay',
      caption: null,
      folder: { id: folder, name: 'Holidays' },
    });
    expect(await app.merging.perform(request)).toEqual(report);
    const [kept] = await app.files([keep.id]);
    expect(kept).toMatchObject({
      name: keep.name,
      alternativeText: 'A bay',
      caption: 'Mine',
      folder: { id: folder },
    });
    const row: unknown = await app.strapi.db
      .query('plugin::upload.file')
      .findOne({ where: { id: keep.id } });
    expect(row).toMatchObject({ folderPath: expect.stringMatching(/^\/\d+$/) });
  });

  it('is reported to listeners, like the deletion', async () => {
    const events: [string, number][] = [];
    const remember = (name: string) => (payload: { media: { id: number } }) => {
      events.push([name, payload.media.id]);
    };
    const stop = [
      app.strapi.eventHub.on('media.update', remember('update') as never),
      app.strapi.eventHub.on('media.delete', remember('delete') as never),
    ];
    const [keep, copy] = await upload(2);
    await describeFile(copy.id, { alternativeText: 'A bay' });
    events.length = 0;
    await app.merging.perform({ fileIds: [keep.id, copy.id] });
    // The merge does not wait for who is told.
    await pollUntil(
      () => Promise.resolve(events),
      ({ length }) => length === 2,
    );
    for (const unsubscribe of stop) unsubscribe();
    expect(events.sort()).toEqual([
      ['delete', copy.id],
      ['update', keep.id],
    ]);
  });
});

const box = { left: 0.1, top: 0.2, width: 0.3, height: 0.1 };
const edited: Extract<DuplicateVerdict, { kind: 'edited' }> = {
  kind: 'edited',
  similarity: 0.9,
  fingerprintDistance: 10,
  alignment: {
    inner: 'other',
    isMirrored: false,
    region: { left: 0, top: 0, width: 1, height: 1 },
    covered: 1,
    matching: 1,
    correlation: 0.98,
  },
  pixels: { version: PIXEL_VERSION, differences: { one: [box], other: [box] } },
};

describe('the suggestion', () => {
  /** That a pair has this evidence; `one` is the file with the lower id. */
  async function find(
    [one, other]: [LibraryFile, LibraryFile],
    quality: Partial<CopyQuality>,
    kind: 'same-image' | 'edited' = 'same-image',
  ): Promise<void> {
    const pixels: PixelEvidence = {
      version: PIXEL_VERSION,
      differences: { one: [], other: [] },
      quality: { edited: null, gray: null, upscaled: null, detail: null, ...quality },
    };
    const verdict: DuplicateVerdict =
      kind === 'edited'
        ? { ...edited, pixels }
        : { kind, fingerprintDistance: 0, correlation: 1, largestDifference: 0, pixels };
    await app.pairs.record([
      {
        fileId: other.id,
        contentHash: hashOf(other.id),
        pairs: [pairOf(one.id, other.id, verdict)],
      },
    ]);
  }

  const suggest = async (...files: LibraryFile[]) =>
    (await app.merging.plan({ fileIds: files.map(({ id }) => id) })).suggestion;
  const criteria = ({ reasons }: MergeReport['suggestion']) =>
    reasons.map(({ criterion }) => criterion);

  it('prefers pixels, then use, texts and age, whatever the format, and gives the facts', async () => {
    const [small, photo, drawing] = await app.uploadCopies(
      { width: 100, format: 'png' },
      { width: 200, format: 'jpeg' },
      { width: 200, format: 'png' },
    );
    if (!small || !photo || !drawing) throw new Error('Not all are uploaded.');
    expect(await suggest(small, photo)).toEqual({
      fileId: photo.id,
      reasons: [{ criterion: 'pixels', value: 20_000, others: 5_000 }],
    });
    const byAge = await suggest(drawing, photo);
    expect([byAge.fileId, criteria(byAge)]).toEqual([photo.id, ['age']]);
    await createArticle(app, { cover: drawing.id });
    expect(await suggest(photo, drawing)).toEqual({
      fileId: drawing.id,
      reasons: [{ criterion: 'usage', value: 1, others: 0 }],
    });
  });

  it('prefers what an edit, an enlargement or gray lost, even in fewer pixels', async () => {
    const lost: [Partial<CopyQuality>, 'same-image' | 'edited', string][] = [
      [{ edited: { side: 'one', effect: 'covered' } }, 'edited', 'unedited'],
      [{ upscaled: 'one' }, 'same-image', 'detail'],
      [{ detail: { one: 0.7, other: 1 } }, 'same-image', 'detail'],
      [{ gray: 'one' }, 'same-image', 'color'],
    ];
    const [large, small] = await upload(2);
    for (const [quality, kind, criterion] of lost) {
      await find([large, small], quality, kind);
      const suggestion = await suggest(large, small);
      expect([suggestion.fileId, criteria(suggestion)[0]]).toEqual([small.id, criterion]);
    }
    const edit = { edited: { side: 'other', effect: 'blurred' } } as const;
    await find([large, small], { ...edit, upscaled: 'one' }, 'edited');
    expect(await suggest(large, small)).toMatchObject({ fileId: large.id });
  });

  it('is none if the evidence does not decide, and a merge then needs a choice', async () => {
    const [large, small] = await upload(2);
    await find([large, small], {}, 'edited');
    const request = { fileIds: [small.id, large.id] };
    expect(await app.merging.plan(request)).toMatchObject({
      keepId: small.id,
      suggestion: { fileId: null, reasons: [] },
    });
    await expect(app.merging.perform(request)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('keepId'),
    });
    expect(await app.files(request.fileIds)).toHaveLength(2);
    const [stranger] = await app.uploadCopies({ width: 90, format: 'png' });
    if (!stranger) throw new Error('Not all are uploaded.');
    expect(await suggest(large, stranger)).toMatchObject({ fileId: null });
  });

  it('knows the size of an image that Strapi stores none of', async () => {
    const [large, small] = await app.uploadCopies(
      { width: 480, format: 'avif' },
      { width: 120, format: 'jpeg' },
    );
    if (!large || !small) throw new Error('Not all are uploaded.');
    expect(large.width).toBeNull();
    await app.traces.put([
      {
        fileId: large.id,
        contentHash: 'a'.repeat(64),
        fingerprint: null,
        thumbnail: null,
        width: 480,
        height: 240,
      },
    ]);
    const report = await app.merging.plan({ fileIds: [small.id, large.id], keepId: small.id });
    expect(report).toMatchObject({
      suggestion: {
        fileId: large.id,
        reasons: [{ criterion: 'pixels', value: 115_200, others: 7_200 }, {}],
      },
      warnings: expect.arrayContaining([
        expect.objectContaining({ code: 'fewer-pixels', fileId: large.id }),
      ]),
    });
  });

  it('judges nothing by an unknown size', async () => {
    const [unknown, large] = await app.uploadCopies(
      { width: 480, format: 'avif' },
      { width: 500, format: 'jpeg' },
    );
    if (!unknown || !large) throw new Error('Not all are uploaded.');
    expect(await suggest(unknown, large)).toEqual({ fileId: null, reasons: [] });
  });

  it("yields to the user's choice, with a warning", async () => {
    const [large, small] = await upload(2);
    const report = await app.merging.plan({ fileIds: [large.id, small.id], keepId: small.id });
    expect(report).toMatchObject({
      keepId: small.id,
      suggestion: { fileId: large.id },
      warnings: [{ code: 'fewer-pixels', fileId: large.id }],
    });
  });
});

describe('warnings', () => {
  const warnings = async (files: readonly LibraryFile[], keep?: LibraryFile) => {
    const fileIds = files.map(({ id }) => id);
    const report = await app.merging.plan({ fileIds, keepId: keep?.id });
    return report.warnings.map(({ code, count, fileId }) => ({
      code,
      fileId,
      ...(count && { count }),
    }));
  };

  it('name files that nothing shows to be duplicates, or a user said are none', async () => {
    const [first, copy] = await upload(2);
    const [stranger] = await app.uploadCopies({ width: 90, format: 'png' });
    if (!stranger) throw new Error('Not all are uploaded.');
    expect(await warnings([first, copy, stranger], first)).toEqual([
      { code: 'unrelated', fileId: stranger.id },
    ]);
    const [pair] = await app.pairs.pairsTouching({ fileIds: [copy.id], limit: 1 });
    await app.pairs.review(pair?.id ?? 0, { status: 'ignored', userId: 1, reviewedAt: new Date() });
    expect(await warnings([first, copy], first)).toEqual([{ code: 'ignored', fileId: copy.id }]);
  });

  it('name edited versions and where they differ, also by way of another file', async () => {
    const [first, second, third] = await upload(3);
    if (!third) throw new Error('Not all are uploaded.');
    await app.pairs.record([
      {
        fileId: third.id,
        contentHash: hashOf(third.id),
        pairs: [pairOf(second.id, third.id, edited)],
        refuted: [pairOf(first.id, third.id, edited)],
      },
    ]);
    expect(await warnings([first, second, third], first)).toEqual([
      { code: 'edited-version', fileId: third.id },
      { code: 'differing-regions', fileId: third.id, count: 1 },
    ]);
  });

  it('name which file is edited, blurred or gray, and other colors', async () => {
    const [keep, copy] = await upload(2);
    const quality: CopyQuality = {
      edited: { side: 'other', effect: 'blurred' },
      gray: 'one',
      upscaled: null,
      detail: null,
    };
    const differences = { one: [box, box], other: [box, box] };
    const pixels = {
      version: PIXEL_VERSION,
      differences,
      blurred: [1],
      otherColors: true as const,
      quality,
    };
    const verdict: DuplicateVerdict = { ...edited, pixels };
    await app.pairs.record([
      {
        fileId: copy.id,
        contentHash: hashOf(copy.id),
        pairs: [pairOf(keep.id, copy.id, verdict)],
      },
    ]);
    expect(await warnings([keep, copy], keep)).toEqual([
      { code: 'edited-copy', fileId: copy.id },
      { code: 'gray-kept', fileId: copy.id },
      { code: 'differing-regions', fileId: copy.id, count: 1 },
      { code: 'other-colors', fileId: copy.id },
      { code: 'blurred-regions', fileId: copy.id, count: 1 },
    ]);
  });

  it('name texts that offer several sizes, and entries that would use one file twice', async () => {
    const [small, large] = await app.uploadCopies(
      { width: 60, format: 'png' },
      { width: 1_200, format: 'png' },
    );
    if (!small || !large) throw new Error('Not all are uploaded.');
    const { formats, id, url } = large;
    const sizes = `srcset="${formats?.['small']?.url ?? ''} 500w, ${url} 1200w"`;
    await createArticle(app, { body: `<img ${sizes}>`, cover: small.id, gallery: [id, small.id] });
    expect(await warnings([large, small], small)).toEqual([
      { code: 'fewer-pixels', fileId: id },
      { code: 'fewer-sizes', fileId: id, count: 1 },
      { code: 'listed-once', fileId: id, count: 1 },
      { code: 'named-twice', fileId: id, count: 1 },
    ]);
  });
});

describe('many uses', () => {
  it('need as many statements as a few, except for written texts', async () => {
    const statements: string[] = [];
    app.strapi.db.connection.on('query', ({ sql }: { sql: string }) => statements.push(sql));
    const [keep, few, many, other] = await upload(4);
    if (!many || !other) throw new Error('Not all are uploaded.');
    await publishArticle(app, { file: few, others: [keep, other] });
    for (let article = 0; article < 50; article += 1) {
      await createArticle(app, articleUsing(many, [other], `Article ${String(article)}`));
    }
    const count = async (work: () => Promise<unknown>) => {
      statements.length = 0;
      await work();
      return statements.length;
    };
    const planFew = await count(() => app.merging.plan({ fileIds: [other.id, few.id] }));
    const planMany = await count(() => app.merging.plan({ fileIds: [other.id, many.id] }));
    expect(planMany).toBeLessThanOrEqual(planFew);
    const report = await app.merging.plan({ fileIds: [keep.id, many.id] });
    expect(report.files[1]).toMatchObject({ useCount: 450 });
    expect(report.files[1]?.uses).toHaveLength(200);
    statements.length = 0;
    await app.merging.perform({ fileIds: [keep.id, many.id] });
    const writes = statements.filter((sql) => /^(update|delete)/i.test(sql));
    // Each article has its rich text, its blocks, and those of a banner and a slide.
    expect(writes.length).toBeLessThan(4 * 50 + 10);
    expect(statements.length - writes.length).toBeLessThan(4 * planMany);
    const content = await dumpDatabase(app, { leaveOut: journalTables });
    const dump = JSON.stringify([...content.values()]);
    expect(dump).not.toContain(many.hash);
  });
});
