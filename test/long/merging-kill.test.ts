import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../plugin/src/clock';
import { MERGED_COPY_UID } from '../../server/src/plugin-id';
import { createMergeJournal } from '../../server/src/merging/journal';
import { startMergingApp } from '../support/merging-app';
import { pollUntil } from '../support/polling';
import { createDataFolder } from '../support/strapi-app';
import { appFolder } from '../support/strapi-environment';
import { spawnStrapi } from '../support/strapi-process';

const COPIES = 20;
const imageSearch = { indexing: { enabled: false }, duplicates: { trashDays: 30 } };

describe('a server that is killed while it empties the trash', () => {
  let dataFolder: string;
  beforeAll(async () => {
    dataFolder = await createDataFolder();
  });
  afterAll(async () => {
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('leaves no copy behind after the next start', async () => {
    const before = await startMergingApp({ dataFolder, imageSearch });
    const variants = Array.from({ length: COPIES + 1 }, () => ({
      width: 40,
      format: 'png' as const,
    }));
    const fileIds = (await before.uploadCopies(...variants)).map(({ id }) => id);
    const [keepId = 0] = fileIds;
    await before.createMerging({ trashDays: 30 }).perform({ fileIds, keepId });
    await before.strapi.db.query(MERGED_COPY_UID).updateMany({
      where: {},
      data: { emptiesAt: new Date(systemClock.now() - 1_000) },
    });
    await before.stop();

    const folder = path.join(appFolder, 'editorial');
    const killed = await spawnStrapi({ folder, dataFolder, imageSearch });
    await killed.kill('SIGKILL');

    const after = await startMergingApp({ dataFolder, imageSearch });
    const journal = createMergeJournal(after.strapi);
    const states = async () => new Set((await journal.copiesOf([1])).map(({ state }) => state));
    await pollUntil(states, (found) => found.size === 1 && found.has('deleted'));
    expect((await after.files(fileIds)).map(({ id }) => id)).toEqual([keepId]);
    const names = await after.storedNames();
    expect(names.filter((name) => name.startsWith('image_'))).toHaveLength(1);
    await after.stop();
  });
});
