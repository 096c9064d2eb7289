import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { SpacesRig } from '../../support/spaces-rig';
import type { Spaces } from '../../../plugin/src/spaces/spaces';
import { range } from '../../conformance/index-entries/situations';

const PICTURES = range(1, 20);

let rig: SpacesRig;

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  await rig.stopAll();
});

/** The role of each model's space. */
async function rolesIn(spaces: Spaces): Promise<Record<string, string>> {
  const records = await rig.records.list();
  return Object.fromEntries(
    records.map((record) => [record.space.model, spaces.roleOf(record, records)]),
  );
}

async function fallbackOf(spaces: Spaces): Promise<string | null> {
  return (await spaces.getFallback())?.provider.space.model ?? null;
}

describe('a fallback', () => {
  it('is filled beside the model that answers, and never takes over', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, PICTURES);
    await rig.untilIndexed('hosted', PICTURES.length);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.clock.advance(3_600_000);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'answering', local: 'fallback' });
    expect(await rig.answeringModel()).toBe('hosted');
    expect(await fallbackOf(spaces)).toBe('local');
  });

  it('hears of what is uploaded, replaced and deleted', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.upload(spaces, [21]);
    await rig.upload(spaces, [2], 'another picture');
    await rig.remove(spaces, [3]);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.untilIndexed('hosted', PICTURES.length);
    const expected = [...PICTURES.filter((fileId) => fileId !== 3), 21];
    expect(await rig.stored('local')).toEqual(expected);
    expect(await rig.stored('hosted')).toEqual(expected);
  });

  it('that was added later is filled with what was there before', async () => {
    const before = rig.start('hosted');
    await rig.upload(before, PICTURES);
    await rig.untilIndexed('hosted', PICTURES.length);
    expect(await fallbackOf(before)).toBeNull();
    await rig.stop(before);
    rig.start('hosted', 'local');
    await rig.untilIndexed('local', PICTURES.length);
  });

  it('that cannot be opened keeps nothing else from working, and is said once', async () => {
    rig.openModel = (model) =>
      model === 'local'
        ? Promise.reject(failure('provider-not-installed'))
        : Promise.resolve(new HashProvider({ model }));
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, PICTURES);
    await rig.untilIndexed('hosted', PICTURES.length);
    await rig.clock.advance(120_000);
    expect(await rig.queue('').counts()).toMatchObject({ pending: 0 });
    expect(
      rig.logger.at('warn').filter((line) => line.includes('embedding.fallback')),
    ).toHaveLength(1);
    expect(await spaces.unopened()).toMatchObject({ model: 'local' });
    await expect(spaces.getFallback()).rejects.toMatchObject({ code: 'provider-not-installed' });
  });

  it('cannot be dropped while the configuration names it', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    const { id } = rig.spaceOf('local');
    await expect(spaces.forget(id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('embedding.fallback'),
    });
    await rig.stop(spaces);
    const later = rig.start('hosted');
    await later.forget(id);
    expect(await rolesIn(later)).toEqual({ hosted: 'answering' });
  });
});

describe('the model that answered before', () => {
  it('goes on being kept up to date as the fallback, with what it has', async () => {
    const before = rig.start('local');
    await rig.upload(before, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.stop(before);
    const openedBefore = rig.opened.length;
    const spaces = rig.start('hosted', 'local');
    await rig.untilAnswering('hosted');
    expect(await rolesIn(spaces)).toEqual({ hosted: 'answering', local: 'fallback' });
    await rig.upload(spaces, [21]);
    await rig.untilIndexed('local', PICTURES.length + 1);
    const local = rig.opened.slice(openedBefore).filter(({ model }) => model === 'local');
    expect(local.map(({ provider }) => provider.imageCalls)).toEqual([[1]]);
    expect(local[0]?.provider.disposals).toBe(0);
  });

  it('is no fallback for itself while it answers', async () => {
    const before = rig.start('local');
    await rig.upload(before, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.stop(before);
    rig.assets.onRead = () => {
      throw failure('image-unreachable');
    };
    const spaces = rig.start('hosted', 'local');
    await rig.clock.advance(1_000);
    expect(await rig.answeringModel()).toBe('local');
    expect(await fallbackOf(spaces)).toBeNull();
  });

  it('takes over again when the operator says so, and gives way again', async () => {
    const spaces = rig.start('hosted', 'local');
    await rig.upload(spaces, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await spaces.activate(rig.spaceOf('local').id);
    await rig.clock.advance(60_000);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'kept', local: 'answering' });
    expect(await fallbackOf(spaces)).toBeNull();
    await spaces.activate(rig.spaceOf('hosted').id);
    await rig.upload(spaces, [21]);
    await rig.untilIndexed('hosted', PICTURES.length + 1);
    await rig.untilIndexed('local', PICTURES.length + 1);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'answering', local: 'fallback' });
  });
});

describe('a change of the hosted model', () => {
  it('leaves the fallback as it is', async () => {
    const before = rig.start('hosted', 'local');
    await rig.upload(before, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.untilIndexed('hosted', PICTURES.length);
    await rig.stop(before);
    const openedBefore = rig.opened.length;
    const spaces = rig.start('young', 'local');
    await rig.untilAnswering('young');
    expect(await rolesIn(spaces)).toEqual({
      hosted: 'kept',
      local: 'fallback',
      young: 'answering',
    });
    const local = rig.opened.slice(openedBefore).filter(({ model }) => model === 'local');
    expect(local.flatMap(({ provider }) => provider.imageCalls)).toEqual([]);
  });

  it('of the fallback fills another one, and leaves the former one to be dropped', async () => {
    const before = rig.start('hosted', 'local');
    await rig.upload(before, PICTURES);
    await rig.untilIndexed('local', PICTURES.length);
    await rig.stop(before);
    const spaces = rig.start('hosted', 'better');
    await rig.untilIndexed('better', PICTURES.length);
    expect(await rolesIn(spaces)).toMatchObject({ hosted: 'answering', better: 'fallback' });
    await spaces.forget(rig.spaceOf('local').id);
    expect(await rolesIn(spaces)).toEqual({ hosted: 'answering', better: 'fallback' });
  });
});

describe('a process that does not index', () => {
  it('has the fallback open, and leaves filling it to others', async () => {
    const searcher = rig.createProcess('hosted', 'local');
    searcher.start({ isIndexing: false });
    await rig.clock.advance(10_000);
    expect(rig.opened.map(({ model }) => model)).toEqual(['local']);
    await searcher.get();
    await rig.upload(searcher, PICTURES);
    await rig.clock.advance(60_000);
    expect(await rig.stored('local')).toEqual([]);
    rig.start('hosted', 'local');
    await rig.untilIndexed('local', PICTURES.length);
    expect(await fallbackOf(searcher)).toBe('local');
  });
});
