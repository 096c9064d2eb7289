import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFileStatus, type FileStatus } from '../../../plugin/src/application/file-status';
import type { SpaceManager } from '../../../plugin/src/spaces/space-manager';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { SpacesRig } from '../../support/spaces-rig';

const MODEL = 'model';
const IMAGE = 1;

let rig: SpacesRig;
let spaces: SpaceManager;
let fileStatus: FileStatus;

function start(): void {
  spaces = rig.start(MODEL);
  const holds = { current: () => Promise.resolve(null) };
  fileStatus = createFileStatus({ spaces, assets: rig.assets, holds, traces: rig.traces });
}

/** Resolves when an image waits for anything but its turn. */
async function untilPaused(): Promise<void> {
  await rig.clock.runUntil(async () => (await fileStatus.describe(IMAGE)).isPaused);
}

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  rig.store.isDown = false;
  await rig.stopAll();
});

describe('An image that waits while something is down', () => {
  it("reports that the model can't be opened", async () => {
    rig.openModel = () => Promise.reject(failure('provider-unavailable'));
    start();
    await rig.upload(spaces, [IMAGE]);
    await untilPaused();
    expect(await fileStatus.describe(IMAGE)).toMatchObject({
      state: 'waiting',
      isSearchable: false,
      code: 'provider-unavailable',
      reason: 'provider',
    });
  });

  it('stays searchable by its previous vector while the store is available', async () => {
    let isDown = false;
    rig.openModel = (model) => {
      const provider = new HashProvider({ model });
      provider.onCall = () =>
        isDown ? Promise.reject(failure('provider-unavailable')) : Promise.resolve();
      return Promise.resolve(provider);
    };
    start();
    await rig.upload(spaces, [IMAGE]);
    await rig.untilIndexed(MODEL, 1);
    expect(await fileStatus.describe(IMAGE)).toMatchObject({ state: 'indexed', isPaused: false });

    isDown = true;
    await rig.upload(spaces, [IMAGE], 'another image');
    await untilPaused();
    const waiting = { state: 'waiting', code: 'provider-unavailable', reason: 'provider' };
    expect(await fileStatus.describe(IMAGE)).toMatchObject({ ...waiting, isSearchable: true });
    rig.store.isDown = true;
    expect(await fileStatus.describe(IMAGE)).toMatchObject({ ...waiting, isSearchable: false });
  });
});
