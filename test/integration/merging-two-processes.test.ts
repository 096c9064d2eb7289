import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { mergeResponseSchema } from '../../plugin/src/contracts/merging';
import { FILE_UID } from '../../server/src/plugin-id';
import type { LibraryFile } from '../../server/src/usage/library-files';
import { describeWithServer } from '../support/describe-with-server';
import { startDuplicatesApp, type DuplicatesApp } from '../support/duplicates-app';
import { createLibrary, type Library } from '../support/library';
import { articleUsing, createArticle, readArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
import { postgres } from '../support/postgres-server';
import { productOf } from '../support/search-app';
import { expectFailure } from '../support/search-face';
import { createDataFolder } from '../support/strapi-app';
import { appFolder } from '../support/strapi-environment';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';

const DRAFT = { locale: 'en', status: 'draft' } as const;

describeWithServer(postgres, 'two processes on one PostgreSQL', (server) => {
  let dataFolder: string;
  /** This process. */
  let app: DuplicatesApp;
  let other: StrapiProcess;
  let libraries: [Library, Library];

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    const database = await server().createDatabase();
    app = await startDuplicatesApp({ dataFolder, database });
    other = await spawnStrapi({
      folder: path.join(appFolder, 'editorial'),
      imageSearch: { indexing: { enabled: false }, duplicates: { trashDays: 0 } },
      dataFolder,
      database,
    });
    libraries = [app.library, createLibrary(other)];
  });
  afterAll(async () => {
    await other.kill('SIGTERM');
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  /** Three copies in one group, the last two of them used by an article. */
  async function prepare(): Promise<{ files: LibraryFile[]; documentId: string }> {
    const variants = [40, 50, 60].map((width) => ({ width, format: 'png' as const }));
    const files = await app.uploadCopies(...variants);
    const [a, b, c] = files;
    if (!a || !b || !c) throw new Error('Not all are uploaded.');
    await app.record(a.id, [b.id, c.id]);
    const { documentId } = await createArticle(app, articleUsing(b, [c, c], 'Article'));
    return { files, documentId };
  }

  /** Lets both merges read what they merge, and hold it at the same time. */
  async function mergeAtOnce(fileIds: number[], keepIds: [number, number]): Promise<Response[]> {
    const hold = await app.strapi.db.connection.transaction();
    await hold('files').whereIn('id', fileIds).forUpdate().select('id');
    const responses = Promise.all(
      libraries.map((library, index) =>
        library.call('post', '/image-search/duplicates/merge', {
          fileIds,
          keepId: keepIds[index],
        }),
      ),
    );
    await pollUntil(countWaiting, (count) => count === 2);
    await hold.commit();
    return responses;
  }

  async function countWaiting(): Promise<number> {
    const { rows } = await app.strapi.db.connection.raw<{ rows: unknown[] }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length;
  }

  /** Files that relations name and that are none. */
  async function dangling(): Promise<unknown[]> {
    const rows: unknown = await app.strapi.db
      .connection('files_related_mph as relation')
      .leftJoin('files', 'files.id', 'relation.file_id')
      .whereNull('files.id')
      .select('relation.id');
    return rows as unknown[];
  }

  it.each([
    ['to keep different files', (ids: number[]): [number, number] => [ids[0] ?? 0, ids[1] ?? 0]],
    ['to keep the same file', (ids: number[]): [number, number] => [ids[1] ?? 0, ids[1] ?? 0]],
  ])('merge a group once when both are asked at the same time %s', async (_name, keepOf) => {
    const { files, documentId } = await prepare();
    const fileIds = files.map(({ id }) => id);
    const keepIds = keepOf(fileIds);
    const responses = await mergeAtOnce(fileIds, keepIds);

    const winner = responses.findIndex(({ status }) => status === 200);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    const loser = responses[1 - winner];
    if (!loser) throw new Error('Nobody lost.');
    expectFailure(loser, { status: 409, code: 'conflict' });
    expect(JSON.stringify(loser.body)).toContain('Nothing was merged');

    const keptId = keepIds[winner];
    const report = mergeResponseSchema.parse(responses[winner]?.body).data;
    expect(report.files.map(({ id, outcome }) => [id, outcome]).sort()).toEqual(
      fileIds.map((id) => [id, id === keptId ? 'kept' : 'removed']),
    );
    expect((await app.files(fileIds)).map(({ id }) => id)).toEqual([keptId]);
    const stored = await readdir(path.join(app.strapi.dirs.static.public, 'uploads'));
    const isStored = ({ hash, ext }: LibraryFile): boolean =>
      stored.includes(`${hash}${ext ?? ''}`);
    expect(files.filter(isStored).map(({ id }) => id)).toEqual([keptId]);

    expect(await dangling()).toEqual([]);
    expect(await readArticle(app, documentId, DRAFT)).toMatchObject({
      cover: { id: keptId },
      seo: { image: { id: keptId } },
    });
    const pairs = await productOf(app).pairs.pairsTouching({ fileIds, limit: 10 });
    expect(pairs.filter(({ status }) => status === 'open')).toEqual([]);
    expect(await app.strapi.db.query(FILE_UID).count()).toBe(1);
    expect(server().log()).not.toContain('deadlock detected');
    await app.library.call('delete', `/upload/files/${String(keptId)}`);
  });
});
