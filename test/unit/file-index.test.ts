import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Spaces } from '../../plugin/src/spaces/spaces';
import { createFileIndex, type FileIndex } from '../../server/src/file-index';
import { failure } from '../support/failures';
import { HashProvider } from '../support/hash-provider';
import { SpacesRig } from '../support/spaces-rig';

const MODEL = 'model';
const PICTURE = 1;

let rig: SpacesRig;
let spaces: Spaces;
let fileIndex: FileIndex;

function start(): void {
  spaces = rig.start(MODEL);
  const holds = { current: () => Promise.resolve(null) };
  fileIndex = createFileIndex({ spaces, assets: rig.assets, holds });
}

/** Resolves when a picture waits for something else than its turn. */
async function untilPaused(): Promise<void> {
  await rig.clock.runUntil(async () => (await fileIndex.describe(PICTURE)).isPaused);
}

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  rig.store.isDown = false;
  await rig.stopAll();
});

describe('A picture that waits while something is down', () => {
  it('says that the model cannot be opened', async () => {
    rig.openModel = () => Promise.reject(failure('provider-unavailable'));
    start();
    await rig.upload(spaces, [PICTURE]);
    await untilPaused();
    expect(await fileIndex.describe(PICTURE)).toMatchObject({
      state: 'waiting',
      isFindable: false,
      reason: 'provider-unavailable',
    });
  });

  it('is found meanwhile by the vector that it had, as long as the store answers', async () => {
    let isDown = false;
    rig.openModel = (model) => {
      const provider = new HashProvider({ model });
      provider.onCall = () =>
        isDown ? Promise.reject(failure('provider-unavailable')) : Promise.resolve();
      return Promise.resolve(provider);
    };
    start();
    await rig.upload(spaces, [PICTURE]);
    await rig.untilIndexed(MODEL, 1);
    expect(await fileIndex.describe(PICTURE)).toMatchObject({ state: 'indexed', isPaused: false });

    isDown = true;
    await rig.upload(spaces, [PICTURE], 'another picture');
    await untilPaused();
    const waiting = { state: 'waiting', reason: 'provider-unavailable' };
    expect(await fileIndex.describe(PICTURE)).toMatchObject({ ...waiting, isFindable: true });
    rig.store.isDown = true;
    expect(await fileIndex.describe(PICTURE)).toMatchObject({ ...waiting, isFindable: false });
  });
});
