import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createIndexManagement,
  type IndexManagement,
} from '../../../plugin/src/application/index-management';
import type { SpaceManager } from '../../../plugin/src/spaces/space-manager';
import { failure } from '../../support/failures';
import { createGate } from '../../support/indexing-rig';
import { plainImage } from '../../support/plain-images';
import { MemoryCalibrations } from '../../support/memory-calibrations';
import { SpacesRig } from '../../support/spaces-rig';

const MODEL = 'one';

let rig: SpacesRig;
let spaces: SpaceManager;
let index: IndexManagement;

beforeEach(async () => {
  rig = new SpacesRig();
  spaces = rig.start(MODEL);
  index = createIndexManagement({
    words: null,
    spaces,
    records: rig.records,
    store: rig.store,
    assets: rig.assets,
    entriesOf: (spaceId) => rig.queue(spaceId),
    calibrations: new MemoryCalibrations(),
  });
  await rig.upload(spaces, [1, 2, 3]);
  await rig.untilIndexed(MODEL, 3);
});

afterEach(async () => {
  await rig.stopAll();
});

describe('reindex', () => {
  it('counts what a comparison marks, not what an earlier one did', async () => {
    const gate = createGate();
    for (const fileId of [4, 5]) rig.assets.put(fileId, plainImage(`imported ${String(fileId)}`));
    rig.assets.onIterate = async (cursor) => {
      if (cursor === null && gate.arrived === 0) await gate.wait();
    };
    const first = index.reindex('missing');
    await rig.clock.runUntil(() => gate.arrived === 1);
    const second = index.reindex('missing');
    gate.open();
    expect(await Promise.all([first, second])).toEqual([2, 0]);
  });

  it('counts images that waited for their next attempt', async () => {
    const [opened] = rig.opened;
    if (opened) opened.provider.onCall = () => Promise.reject(failure('provider-bad-answer'));
    await rig.upload(spaces, [1], 'replaced');
    const queue = rig.queue(rig.spaceOf(MODEL).id);
    await rig.clock.runUntil(async () => {
      const dueAt = await queue.nextDueAt();
      return dueAt !== null && dueAt.getTime() > rig.clock.now();
    });
    expect(await index.reindex('failed')).toBe(1);
  });
});
