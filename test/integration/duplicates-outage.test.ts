import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { duplicatesResponseSchema } from '../../plugin/src/contracts/duplicates';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { startHostedModel, type HostedModel } from '../support/model-change';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

describe('duplicates while the embedding model is down', () => {
  let hosted: HostedModel;
  let app: StrapiApp;
  let library: Library;
  /** The elephant and its copy. */
  let fileIds: number[];

  beforeAll(async () => {
    hosted = await startHostedModel();
    hosted.server.failAlways({ kind: 'reset' });
    app = await startStrapi({
      imageSearch: {
        embedding: hosted.embedding,
        indexing: { firstRetrySeconds: 1, longestRetrySeconds: 1 },
      },
    });
    library = createLibrary(app);
  });
  afterAll(async () => {
    await app.stop();
    await hosted.server.close();
  });

  async function listGroups() {
    const { body } = await library.call('get', '/image-search/duplicates');
    return duplicatesResponseSchema.parse(body);
  }

  it('are found by their bytes, and listed', async () => {
    const elephant = await sampleImage('elephant');
    const [original, copy] = await library.upload(elephant, {
      ...elephant,
      fileName: 'elephant-copy.png',
    });
    await library.upload(await sampleImage('guitar'));
    fileIds = [original?.id ?? 0, copy?.id ?? 0].sort((one, other) => one - other);
    const { data } = await pollUntil(listGroups, (page) => page.data.length > 0);
    const [fileA, fileB] = fileIds;
    expect(data).toMatchObject([{ pairs: [{ fileA, fileB, kind: 'identical', status: 'open' }] }]);
    expect((await app.readStatus()).counts).toMatchObject({ indexed: 0, failed: 0 });
  });

  it('are the same when it is back', async () => {
    const before = await listGroups();
    hosted.server.failAlways(undefined);
    expect((await app.waitUntilIndexed()).counts).toMatchObject({ indexed: 3, failed: 0 });
    await pollUntil(
      () => app.strapi.db.query('plugin::image-search.image-trace').findMany({}),
      (rows: { comparedIn: string | null }[]) =>
        rows.every(({ comparedIn }) => comparedIn?.includes('openai')),
    );
    expect(await listGroups()).toEqual(before);
  });
});
