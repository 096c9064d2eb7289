import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { FILE_UID } from '../../server/src/plugin-id';
import { createDirection, insertFiles } from '../support/large-library';
import { productOf, publicSearchActions } from '../support/search-app';
import { adminApi, contentApi, type SearchFace } from '../support/search-face';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

/** More than are counted at a time. */
const FILES = 1_203;
const facets = ['type', 'folder', 'year', 'color'];

describe('facets of many files', () => {
  let app: StrapiApp;
  let publicFace: SearchFace;
  let adminFace: SearchFace;
  const countsOf = ({ meta }: SearchResponse) => ({
    type: meta.facets?.type,
    counted: meta.facets?.counted,
  });
  const counts = (png: number, jpeg: number) => ({
    type: [
      { value: 'image/png', count: png },
      { value: 'image/jpeg', count: jpeg },
    ],
    counted: png + jpeg,
  });

  beforeAll(async () => {
    app = await startStrapi({
      imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
    });
    await app.grantPublic([...publicSearchActions]);
    publicFace = contentApi(app);
    adminFace = await adminApi(app);
    const { collection } = await productOf(app).spaces.get();
    const vector = createDirection('any', collection.space.dimensions);
    const files = Array.from({ length: FILES }, (_value, index) => ({
      id: index + 1,
      name: `file-${String(index)}`,
      mime: index % 3 === 0 ? 'image/jpeg' : 'image/png',
      createdBy: null,
      vector,
    }));
    await insertFiles(app, collection, files);
  });
  afterAll(() => app.stop());

  it('count all, and let others have turns', async () => {
    let turns = 0;
    let isCounting = true;
    const takeTurns = (): void => {
      turns += 1;
      if (isCounting) setImmediate(takeTurns);
    };
    takeTurns();
    const page = await adminFace.search({ facets });
    isCounting = false;
    expect(countsOf(page)).toEqual(counts(802, 401));
    expect(page.meta.facets).toMatchObject({
      folder: [{ value: null, count: FILES }],
      color: [],
      isLowerBound: false,
    });
    expect(page.meta.facets?.year?.reduce((sum, { count }) => sum + count, 0)).toBe(FILES);
    expect(turns).toBeGreaterThan(FILES / 500);
  });

  it('are kept for a while for callers who may be anyone, by their question', async () => {
    const question = { facets: ['type'] };
    expect(countsOf(await publicFace.search(question))).toEqual(counts(802, 401));
    await app.strapi.db.query(FILE_UID).delete({ where: { id: 1 } });
    expect(countsOf(await publicFace.search(question))).toEqual(counts(802, 401));
    expect(countsOf(await adminFace.search(question))).toEqual(counts(802, 400));
    const other = { ...question, filters: { id: { $lte: 4 } } };
    expect(countsOf(await publicFace.search(other))).toEqual(counts(2, 1));
  });
});
