import { AsyncResource } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mergeReportSchema, type MergeReport } from '../../plugin/src/contracts/merging';
import { createMergeJournal } from '../../server/src/merging/journal';
import type { LibraryFile } from '../../server/src/usage/library-files';
import { findEntryTitles } from '../../server/src/usage/entry-titles';
import { findUsage } from '../../server/src/usage/usage';
import { describeWithServer } from '../support/describe-with-server';
import { mariadb } from '../support/mariadb-server';
import {
  ARTICLE,
  dumpDatabase,
  HOME_PAGE,
  imageBlock,
  journalTables,
  startMergingApp,
  type MergingApp,
} from '../support/merging-app';
import {
  articleUsing,
  createArticle,
  createHomePage,
  publishArticle,
  readArticle,
  versions,
  type Article,
} from '../support/merging-content';
import { postgres } from '../support/postgres-server';
import type { StartOptions } from '../support/strapi-app';

/** Where `articleUsing` uses a file. */
const PLACES = [
  'body richtext',
  'cover relation',
  'gallery relation',
  'sections[0].images relation',
  'sections[0].text richtext',
  'sections[1].slides[1].image relation',
  'sections[1].slides[1].text blocks',
  'seo.image relation',
  'story blocks',
];

interface Upload {
  updateFileInfo(id: number, info: object): Promise<unknown>;
}

function describeMerging(options: () => Promise<StartOptions>): void {
  let app: MergingApp;
  let keep: LibraryFile;
  let copy: LibraryFile;
  let others: LibraryFile[];
  let documentId: string;
  let dry: MergeReport;
  let report: MergeReport;
  let published: Article;

  beforeAll(async () => {
    app = await startMergingApp(await options());
    const [first, second, third, fourth] = await app.uploadCopies(
      { width: 1200, format: 'png' },
      { width: 800, format: 'jpeg' },
      { width: 60, format: 'png' },
      { width: 64, format: 'png' },
    );
    if (!first || !second || !third || !fourth) throw new Error('Not all are uploaded.');
    [keep, copy, others] = [first, second, [third, fourth]];
    documentId = await publishArticle(app, { file: copy, others });
    await createHomePage(app, { hero: copy.id, intro: `<img src='${copy.url}'>` });
    published = await readArticle(app, documentId, { locale: 'en', status: 'published' });
  });
  afterAll(() => app.stop());

  it('knows files by the titles of entries, in all languages and versions', async () => {
    const titles = await findEntryTitles(app.strapi, [keep.id, copy.id, 999_999]);
    expect([...titles.keys()]).toEqual([copy.id]);
    expect(titles.get(copy.id)?.split(' / ').sort()).toEqual(['Hallo', 'Hallo 2', 'Hello']);
  });

  it('finds every use, in all languages and versions', async () => {
    const usage = await findUsage(app.strapi, [keep.id, copy.id, 999_999]);
    expect([...usage.keys()]).toEqual([copy.id]);
    const uses = usage.get(copy.id) ?? [];
    expect(uses).toHaveLength(versions.length * PLACES.length + 2);
    for (const version of versions) {
      const ofVersion = uses.filter(
        ({ locale, status }) => locale === version.locale && status === version.status,
      );
      expect(ofVersion.map(({ path, kind }) => `${path} ${kind}`).sort()).toEqual(PLACES);
      const title = { en: 'Hello', de: version.status === 'draft' ? 'Hallo 2' : 'Hallo' };
      for (const use of ofVersion) {
        expect(use).toMatchObject({
          contentType: { uid: ARTICLE, displayName: 'Article', kind: 'collectionType' },
          documentId,
          title: title[version.locale],
          obstacle: null,
        });
      }
    }
    expect(uses.filter(({ contentType }) => contentType.uid === HOME_PAGE)).toMatchObject([
      { path: 'hero', kind: 'relation', locale: null, status: null },
      { path: 'intro', kind: 'richtext', contentType: { kind: 'singleType' } },
    ]);
  });

  it('plans a merge and writes nothing', async () => {
    const before = await dumpDatabase(app);
    dry = await app.merging.plan({ fileIds: [copy.id, keep.id] });
    expect(await dumpDatabase(app)).toEqual(before);
    expect(mergeReportSchema.parse(dry)).toEqual(dry);
    expect(dry).toMatchObject({
      keepId: keep.id,
      suggestion: {
        fileId: keep.id,
        reasons: [
          { criterion: 'pixels', value: 720_000, others: 320_000 },
          { criterion: 'age', value: -keep.createdAt.getTime(), others: -copy.createdAt.getTime() },
        ],
      },
      files: [
        { id: keep.id, outcome: 'kept', useCount: 0 },
        { id: copy.id, outcome: 'removed', obstacle: null, useCount: 38 },
      ],
      warnings: [],
    });
  });

  it('performs it as planned', async () => {
    const names = await app.storedNames();
    expect(names.filter((name) => name.includes(copy.hash)).length).toBeGreaterThan(2);
    report = await app.merging.perform({ fileIds: [copy.id, keep.id] });
    expect(report).toEqual(dry);
    expect(await app.files([copy.id])).toEqual([]);
    const left = await app.storedNames();
    expect(left.filter((name) => name.includes(copy.hash))).toEqual([]);
    expect(left.filter((name) => name.includes(keep.hash))).toEqual(
      names.filter((name) => name.includes(keep.hash)),
    );
    expect(await findUsage(app.strapi, [copy.id])).toEqual(new Map());
    const content = await dumpDatabase(app, { leaveOut: journalTables });
    const dump = JSON.stringify([...content.values()]);
    expect(dump).not.toContain(copy.hash);
  });

  it.each(versions)(
    'shows the kept file in every place of the $status in $locale',
    async (version) => {
      const article = await readArticle(app, documentId, version);
      const { body, story, seo, sections, cover, gallery } = article;
      const wanted = articleUsing(keep, others, '');
      expect(cover).toMatchObject({ id: keep.id });
      expect(idsOf(gallery)).toEqual(wanted.gallery);
      expect(body).toBe(wanted.body);
      expect(story).toEqual(wanted.story);
      expect(seo).toMatchObject({ image: { id: keep.id }, description: 'About' });
      expect(sections).toMatchObject([
        { text: `![](${keep.url})`, images: [{ id: others[1]?.id }, { id: keep.id }] },
        {
          slides: [
            { image: { id: others[0]?.id } },
            { image: { id: keep.id }, text: [imageBlock(keep)] },
          ],
        },
      ]);
    },
  );

  it('changes neither dates nor publication', async () => {
    const after = await readArticle(app, documentId, { locale: 'en', status: 'published' });
    const facts = ({ id, updatedAt, publishedAt }: Article) => ({ id, updatedAt, publishedAt });
    expect(facts(after)).toEqual(facts(published));
  });

  it('finds every use of the kept file where the copy was', async () => {
    const uses = (await findUsage(app.strapi, [keep.id])).get(keep.id) ?? [];
    expect(uses.map(({ path, kind }) => `${path} ${kind}`).sort()).toEqual(
      [...versions.flatMap(() => PLACES), 'hero relation', 'intro richtext'].sort(),
    );
  });

  it('into the trash is taken back as if it had never been', async () => {
    const [kept, one, two] = await app.uploadCopies(
      { width: 400, format: 'png' },
      { width: 300, format: 'jpeg' },
      { width: 200, format: 'png' },
    );
    if (!kept || !one || !two) throw new Error('Not all are uploaded.');
    const upload = app.strapi.plugin('upload').service<Upload>('upload');
    await upload.updateFileInfo(one.id, { alternativeText: 'A bay', caption: 'In May' });
    await publishArticle(app, { file: one, others: [two, kept] });
    await publishArticle(app, { file: two, others: [one, ...others] });
    const merging = app.createMerging({ trashDays: 30 });
    const before = await dumpDatabase(app, { leaveOut: journalTables });
    const names = await app.storedNames();

    const request = { fileIds: [kept.id, one.id, two.id], keepId: kept.id };
    const { mergeId, ...report } = await merging.perform(request);
    expect(report).toMatchObject({
      trashDays: 30,
      carriedOver: { alternativeText: 'A bay', caption: 'In May' },
      files: [{ outcome: 'kept', addresses: [] }, { outcome: 'trashed' }, { outcome: 'trashed' }],
    });
    expect(report.files[1]?.addresses).toContain(one.url);
    expect(await findUsage(app.strapi, [one.id, two.id])).toEqual(new Map());
    expect(await app.storedNames()).toEqual(names);
    expect(await app.files(request.fileIds)).toHaveLength(3);

    await merging.undo({ mergeId: mergeId ?? 0, userId: null });
    expect(await dumpDatabase(app, { leaveOut: journalTables })).toEqual(before);
    expect(await createMergeJournal(app.strapi).get(mergeId ?? 0)).toMatchObject({
      state: 'undone',
      outcome: { unrestored: [] },
    });
  });

  it('has the kept file once in a list, at the earliest position of any of them', async () => {
    const [kept, one, two] = await app.uploadCopies(
      { width: 90, format: 'png' },
      { width: 80, format: 'png' },
      { width: 70, format: 'png' },
    );
    const [a, b] = others.map(({ id }) => id);
    if (!kept || !one || !two) throw new Error('Not all are uploaded.');
    const galleries = [
      { before: [one.id, a, kept.id, b, two.id], after: [kept.id, a, b] },
      { before: [a, kept.id, two.id, b], after: [a, kept.id, b] },
      { before: [two.id, a, one.id, b], after: [kept.id, a, b] },
      { before: [a, one.id], after: [a, kept.id] },
    ];
    const articles: string[] = [];
    for (const { before } of galleries) {
      articles.push((await createArticle(app, { gallery: before })).documentId);
    }
    const merged = { fileIds: [kept.id, one.id, two.id], keepId: kept.id };
    const { warnings } = await app.merging.perform(merged);
    expect(warnings).toMatchObject([
      { code: 'listed-once', fileId: one.id, count: 2 },
      { code: 'listed-once', fileId: two.id, count: 3 },
    ]);
    for (const [index, { after }] of galleries.entries()) {
      const { gallery } = await readArticle(app, articles[index] ?? '', versions[0]);
      expect(idsOf(gallery)).toEqual(after);
    }
  });

  it('fails for a user who picks a copy while it is deleted', async () => {
    const [kept, gone] = await app.uploadCopies(
      { width: 90, format: 'png' },
      { width: 80, format: 'png' },
    );
    if (!kept || !gone) throw new Error('Not all are uploaded.');
    const { provider } = app.strapi.plugin('upload') as unknown as {
      provider: { delete(file: unknown): Promise<unknown> };
    };
    const remove = provider.delete.bind(provider);
    // Like another request: bound here, it does not join the transaction that deletes.
    const save = AsyncResource.bind(() =>
      createArticle(app, { cover: gone.id }).catch((error: unknown) => error),
    );
    const saves: Promise<unknown>[] = [];
    const deletion = jest.spyOn(provider, 'delete').mockImplementation((file) => {
      saves.push(save());
      return remove(file);
    });
    const { files } = await app.merging.perform({ fileIds: [kept.id, gone.id], keepId: kept.id });
    expect(files).toMatchObject([{}, { outcome: 'removed' }]);
    expect(await saves[0]).toBeInstanceOf(Error);
    await Promise.all(saves);
    deletion.mockRestore();
  });

  it('lets one of two merges of the same files win, while the other changes nothing', async () => {
    const [one, two] = await app.uploadCopies(
      { width: 90, format: 'png' },
      { width: 80, format: 'png' },
    );
    if (!one || !two) throw new Error('Not all are uploaded.');
    const ids = [one.id, two.id];
    const { documentId: using } = await createArticle(app, { gallery: ids });
    const merging = app.createMerging();
    const results = await Promise.allSettled([
      app.merging.perform({ fileIds: ids, keepId: one.id }),
      merging.perform({ fileIds: ids, keepId: two.id }),
    ]);
    const won = results.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'conflict' },
    });
    const left = await app.files(ids);
    expect(left).toHaveLength(1);
    const { gallery } = await readArticle(app, using, versions[0]);
    expect(idsOf(gallery)).toEqual(idsOf(left));
  });
}

function idsOf(files: unknown): number[] {
  return (files as { id: number }[]).map(({ id }) => id);
}

describe('a merge on SQLite', () => {
  describeMerging(() => Promise.resolve({}));
});

for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, `a merge on ${kind.name}`, (server) => {
    describeMerging(async () => ({ database: await server().createDatabase() }));
  });
}
