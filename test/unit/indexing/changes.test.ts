import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HashProvider } from '../../support/hash-provider';
import { expectIndexed } from '../../support/indexed-image';
import { createGate, IndexingRig } from '../../support/indexing-rig';
import { plainImage } from '../../support/plain-images';

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

describe('a deleted image', () => {
  it('is removed with its vector', async () => {
    await rig.uploadMany(2);
    rig.start();
    await rig.untilSettled();
    await rig.remove(1);
    await rig.untilSettled();
    expect([await rig.entry(1), await rig.point(1)]).toEqual([null, null]);
    expect(await rig.point(2)).not.toBeNull();
  });

  it('is removed between claim and read', async () => {
    await rig.uploadMany(2);
    rig.assets.onRead = async (fileId) => {
      rig.assets.onRead = () => undefined;
      await rig.remove(fileId);
    };
    rig.start();
    await rig.untilSettled();
    expect([await rig.entry(1), await rig.point(1)]).toEqual([null, null]);
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('leaves no vector behind while it is embedded', async () => {
    await rig.uploadMany(2);
    rig.provider.onCall = () => rig.remove(1);
    rig.start();
    await rig.untilSettled();
    expect([await rig.entry(1), await rig.point(1)]).toEqual([null, null]);
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('leaves no vector behind while its vector is stored', async () => {
    await rig.uploadMany(1);
    const complete = rig.entries.complete.bind(rig.entries);
    rig.entries.complete = async (...result) => {
      rig.assets.delete(1);
      await rig.entries.markPending([1]);
      await rig.entries.claim(1, rig.foreignLease());
      return complete(...result);
    };
    rig.start();
    await rig.clock.advance(0);
    expect(await rig.point(1)).toBeNull();
  });
});

describe('an image replaced while it is embedded', () => {
  it('is embedded again', async () => {
    await rig.uploadMany(2);
    rig.provider.onCall = async () => {
      rig.provider.onCall = () => undefined;
      await rig.upload(1, plainImage('another subject'));
    };
    rig.start();
    await rig.untilSettled();
    await expectIndexed(rig, 1, plainImage('another subject'));
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('keeps its new vector even if the old one arrives late', async () => {
    rig = new IndexingRig(new HashProvider({ limits: { concurrentCalls: 2 } }));
    const gate = createGate();
    rig.provider.onCall = () => (rig.provider.imageCalls.length === 1 ? gate.wait() : undefined);
    await rig.upload(1);
    const worker = rig.start();
    await rig.clock.runUntil(() => gate.arrived === 1);
    await rig.upload(1, plainImage('another subject'));
    worker.wake();
    await rig.untilSettled();
    await expectIndexed(rig, 1, plainImage('another subject'));
    gate.open();
    await rig.clock.advance(0);
    await expectIndexed(rig, 1, plainImage('another subject'));
  });
});
