import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SpaceManager } from '../../../plugin/src/spaces/space-manager';
import { range } from '../../conformance/index-entries/situations';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { SpacesRig } from '../../support/spaces-rig';

const IMAGES = range(1, 20);

let rig: SpacesRig;

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  await rig.stopAll();
});

/** The role of each model's space. */
async function rolesIn(spaces: SpaceManager): Promise<Record<string, string>> {
  const records = await rig.records.list();
  return Object.fromEntries(
    records.map((record) => [record.space.model, spaces.roleOf(record, records)]),
  );
}

async function fallbackOf(spaces: SpaceManager): Promise<string | null> {
  return (await spaces.getFallback())?.provider.space.model ?? null;
}

describe('a fallback', () => {
  it('is filled alongside the active model, and never takes over', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, IMAGES);
    await rig.untilIndexed('hosted', IMAGES.length);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.clock.advance(3_600_000);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'active', local: 'fallback' });
    expect(await rig.activeModel()).toBe('hosted');
    expect(await fallbackOf(spaces)).toBe('local');
  });

  it('tracks uploaded, replaced and deleted files', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.upload(spaces, [21]);
    await rig.upload(spaces, [2], 'another image');
    await rig.remove(spaces, [3]);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.untilIndexed('hosted', IMAGES.length);
    const expected = [...IMAGES.filter((fileId) => fileId !== 3), 21];
    expect(await rig.stored('local')).toEqual(expected);
    expect(await rig.stored('hosted')).toEqual(expected);
  });

  it('that was added later is filled with existing images', async () => {
    const before = rig.start('hosted');
    await rig.upload(before, IMAGES);
    await rig.untilIndexed('hosted', IMAGES.length);
    expect(await fallbackOf(before)).toBeNull();
    await rig.stop(before);
    rig.start('hosted', 'local');
    await rig.untilIndexed('local', IMAGES.length);
  });

  it("that can't be opened affects nothing else, and is logged once", async () => {
    rig.openModel = (model) =>
      model === 'local'
        ? Promise.reject(failure('provider-not-installed'))
        : Promise.resolve(new HashProvider({ model }));
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, IMAGES);
    await rig.untilIndexed('hosted', IMAGES.length);
    await rig.clock.advance(120_000);
    expect(await rig.queue('').counts()).toMatchObject({ pending: 0 });
    expect(
      rig.logger.at('warn').filter((line) => line.includes('embedding.fallback')),
    ).toHaveLength(1);
    expect(await spaces.failedModel()).toMatchObject({ model: 'local' });
    await expect(spaces.getFallback()).rejects.toMatchObject({ code: 'provider-not-installed' });
  });

  it("can't be dropped while the configuration names it", async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    const { id } = rig.spaceOf('local');
    await expect(spaces.forget(id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('embedding.fallback'),
    });
    await rig.stop(spaces);
    const later = rig.start('hosted');
    await later.forget(id);
    expect(await rolesIn(later)).toEqual({ hosted: 'active' });
  });
});

describe('the previously active model', () => {
  it('stays up to date as the fallback, with its existing vectors', async () => {
    const before = rig.start('local');
    await rig.upload(before, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.stop(before);
    const openedBefore = rig.opened.length;
    const spaces = rig.start('hosted', 'local');
    await rig.untilAnswering('hosted');
    expect(await rolesIn(spaces)).toEqual({ hosted: 'active', local: 'fallback' });
    await rig.upload(spaces, [21]);
    await rig.untilIndexed('local', IMAGES.length + 1);
    const local = rig.opened.slice(openedBefore).filter(({ model }) => model === 'local');
    expect(local.map(({ provider }) => provider.imageCalls)).toEqual([[1]]);
    expect(local[0]?.provider.disposals).toBe(0);
  });

  it("isn't its own fallback while it is active", async () => {
    const before = rig.start('local');
    await rig.upload(before, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.stop(before);
    rig.assets.onRead = () => {
      throw failure('image-unreachable');
    };
    const spaces = rig.start('hosted', 'local');
    await rig.clock.advance(1_000);
    expect(await rig.activeModel()).toBe('local');
    expect(await fallbackOf(spaces)).toBeNull();
  });

  it('takes over when an operator activates it, and can be replaced again', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await spaces.activate(rig.spaceOf('local').id);
    await rig.clock.advance(60_000);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'standby', local: 'active' });
    expect(await fallbackOf(spaces)).toBeNull();
    await spaces.activate(rig.spaceOf('hosted').id);
    await rig.upload(spaces, [21]);
    await rig.untilIndexed('hosted', IMAGES.length + 1);
    await rig.untilIndexed('local', IMAGES.length + 1);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'active', local: 'fallback' });
  });
});

describe('a change of the hosted model', () => {
  it("doesn't affect the fallback", async () => {
    const before = rig.start('hosted', 'local');
    await rig.upload(before, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.untilIndexed('hosted', IMAGES.length);
    await rig.stop(before);
    const openedBefore = rig.opened.length;
    const spaces = rig.start('young', 'local');
    await rig.untilAnswering('young');
    expect(await rolesIn(spaces)).toEqual({
      hosted: 'standby',
      local: 'fallback',
      young: 'active',
    });
    const local = rig.opened.slice(openedBefore).filter(({ model }) => model === 'local');
    expect(local.flatMap(({ provider }) => provider.imageCalls)).toEqual([]);
  });

  it('of the fallback fills another space, and allows the previous one to be dropped', async () => {
    const before = rig.start('hosted', 'local');
    await rig.upload(before, IMAGES);
    await rig.untilIndexed('local', IMAGES.length);
    await rig.stop(before);
    const spaces = rig.start('hosted', 'better');
    await rig.untilIndexed('better', IMAGES.length);
    expect(await rolesIn(spaces)).toMatchObject({ hosted: 'active', better: 'fallback' });
    await spaces.forget(rig.spaceOf('local').id);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'active', better: 'fallback' });
  });
});

describe('a process that does not index', () => {
  it('opens the fallback, and leaves filling it to others', async () => {
    const searcher = rig.createProcess('hosted', 'local');
    searcher.start({ isIndexing: false });
    await rig.clock.advance(10_000);
    expect(rig.opened.map(({ model }) => model)).toEqual(['local']);
    await searcher.get();
    await rig.upload(searcher, IMAGES);
    await rig.clock.advance(60_000);
    expect(await rig.stored('local')).toEqual([]);
    rig.start('hosted', 'local');
    await rig.untilIndexed('local', IMAGES.length);
    expect(await fallbackOf(searcher)).toBe('local');
  });
});
