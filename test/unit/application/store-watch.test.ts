import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { StoreWatch } from '../../../plugin/src/application/store-watch';
import type { SpaceManager } from '../../../plugin/src/spaces/space-manager';
import { SpacesRig } from '../../support/spaces-rig';

const MODEL = 'one';

let rig: SpacesRig;
let spaces: SpaceManager;
let watch: StoreWatch;

beforeEach(async () => {
  rig = new SpacesRig();
  spaces = rig.start(MODEL);
  watch = new StoreWatch({
    tracks: () => spaces.running(),
    logger: rig.logger,
    clock: rig.clock,
  });
  await rig.upload(spaces, [1, 2, 3]);
  await rig.untilIndexed(MODEL, 3);
});

afterEach(async () => {
  await watch.stop();
  await rig.stopAll();
});

async function storedVectors(): Promise<number> {
  return (await rig.store.ensureSpace(rig.spaceOf(MODEL))).count();
}

it('has images indexed again whose vectors are gone from the store, within minutes', async () => {
  watch.start();
  await (await rig.store.ensureSpace(rig.spaceOf(MODEL))).remove([2, 3]);
  await rig.clock.runUntil(async () => (await storedVectors()) === 3);
  expect(rig.logger.at('warn').join()).toContain('has 1 of 3 vectors');
});

it('says and does nothing while the store has all vectors, or is down', async () => {
  await watch.check();
  rig.store.isDown = true;
  await watch.check();
  rig.store.isDown = false;
  expect(rig.logger.at('warn')).toEqual([]);
});

it('looks twice, because a deleted file loses its vector before its entry', async () => {
  const collection = await rig.store.ensureSpace(rig.spaceOf(MODEL));
  const points = await collection.getMany([2]);
  await collection.remove([2]);
  const checked = watch.check();
  await rig.clock.advance(1_000);
  await collection.upsert(points);
  await rig.clock.advance(2_000);
  await checked;
  expect(rig.logger.at('warn')).toEqual([]);
});
