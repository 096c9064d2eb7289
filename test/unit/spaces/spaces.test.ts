import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { range } from '../../conformance/index-entries/situations';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { createGate } from '../../support/indexing-rig';
import { plainImage } from '../../support/plain-images';
import { SpacesRig } from '../../support/spaces-rig';

const IMAGES = range(1, 30);

let rig: SpacesRig;

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  await rig.stopAll();
});

/** A library indexed by the active model "old", whose process has ended. */
async function indexWithOld(): Promise<void> {
  const before = rig.start('old');
  await rig.upload(before, IMAGES);
  await rig.untilIndexed('old', IMAGES.length);
  await rig.stop(before);
}

/** Delays every image that the model "young" embeds. */
function holdUp() {
  const gate = createGate();
  rig.openModel = (model) => {
    const provider = new HashProvider({ model });
    if (model === 'young') {
      provider.onCall = async (inputs, signal) => {
        if (inputs.some((input) => 'image' in input)) await gate.wait(signal);
      };
    }
    return Promise.resolve(provider);
  };
  return gate;
}

describe('the first model', () => {
  it('is active as soon as it is opened, by indexing or by a search', async () => {
    const spaces = rig.createProcess('old');
    const { provider } = await spaces.get();
    expect(provider.space.model).toBe('old');
    expect(await rig.activeModel()).toBe('old');
  });

  it('takes over the queue from before any model could be opened', async () => {
    let isThere = false;
    rig.openModel = (model) =>
      isThere
        ? Promise.resolve(new HashProvider({ model }))
        : Promise.reject(failure('provider-unavailable'));
    const spaces = rig.start('old');
    await rig.upload(spaces, IMAGES);
    await rig.clock.advance(60_000);
    expect(await rig.activeModel()).toBeNull();
    expect(await rig.queue('').counts()).toMatchObject({ pending: IMAGES.length });
    isThere = true;
    await rig.untilIndexed('old', IMAGES.length);
    expect(await rig.queue('').counts()).toMatchObject({ pending: 0 });
  });
});

describe('a model that is missing', () => {
  it('is said at boot, once, though there is nothing to index', async () => {
    rig.openModel = () => Promise.reject(failure('provider-model-missing'));
    rig.start('old');
    await rig.clock.advance(120_000);
    const said = rig.logger.at('error');
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("Image search isn't available yet.");
  });
});

describe('another model', () => {
  beforeEach(indexWithOld);

  it('takes over automatically once it holds every image', async () => {
    rig.start('young');
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(IMAGES);
    expect(await rig.stored('old')).toEqual(IMAGES);
  });

  it('leaves searches to the previous one until then', async () => {
    const gate = holdUp();
    const spaces = rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    expect((await spaces.get()).provider.space.model).toBe('old');
    gate.open();
    await rig.untilAnswering('young');
    expect((await spaces.get()).provider.space.model).toBe('young');
  });

  it('and the previous one both track changes in the meantime', async () => {
    const gate = holdUp();
    const spaces = rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    await rig.upload(spaces, [31]);
    await rig.upload(spaces, [2], 'another image');
    await rig.remove(spaces, [3]);
    await rig.untilIndexed('old', IMAGES.length);
    const expected = [...IMAGES.filter((fileId) => fileId !== 3), 31];
    expect(await rig.stored('old')).toEqual(expected);
    gate.open();
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(expected);
    const old = await rig.store.ensureSpace(rig.spaceOf('old'));
    const young = await rig.store.ensureSpace(rig.spaceOf('young'));
    const [replacedInOld] = await old.getMany([2]);
    const [replacedInYoung] = await young.getMany([2]);
    expect(replacedInOld?.payload).toEqual(replacedInYoung?.payload);
  });

  it('resumes where it was interrupted', async () => {
    let embedded = 0;
    const enough = createGate();
    rig.openModel = (model) => {
      const provider = new HashProvider({ model, limits: { imagesPerCall: 5 } });
      provider.onCall = async (inputs, signal) => {
        if (model !== 'young' || inputs.some((input) => 'text' in input)) return;
        if (embedded >= 10) await enough.wait(signal);
        if (signal?.aborted) return;
        embedded += inputs.length;
      };
      return Promise.resolve(provider);
    };
    const first = rig.start('young');
    await rig.clock.runUntil(() => enough.arrived > 0);
    await rig.stop(first);
    expect(await rig.activeModel()).toBe('old');
    enough.open();
    rig.start('young');
    await rig.untilAnswering('young');
    expect(embedded).toBe(IMAGES.length);
  });

  it("doesn't take over while it can't be opened, which is logged once", async () => {
    rig.openModel = (model) =>
      model === 'young'
        ? Promise.reject(failure('provider-model-missing'))
        : Promise.resolve(new HashProvider({ model }));
    const spaces = rig.start('young');
    await rig.clock.advance(120_000);
    expect((await spaces.get()).provider.space.model).toBe('old');
    const said = rig.logger.at('warn').filter((line) => line.includes("can't be opened"));
    expect(said).toHaveLength(1);
  });

  it('takes over even if an image in unavailable storage is retried repeatedly', async () => {
    rig.assets.onRead = (fileId) => {
      if (fileId === 7) throw failure('image-unreachable');
    };
    rig.start('young');
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(IMAGES.filter((fileId) => fileId !== 7));
  });

  it("doesn't take over if too many images fail, unless an operator activates it", async () => {
    rig.openModel = (model) => {
      const provider = new HashProvider({ model, limits: { imagesPerCall: 1 } });
      let count = 0;
      provider.onCall = (inputs) => {
        if (model !== 'young' || inputs.some((input) => 'text' in input)) return;
        count += 1;
        // Not many in a row, or the provider would be blamed.
        if (count % 2 === 0) throw failure('provider-rejected-input');
      };
      return Promise.resolve(provider);
    };
    const spaces = rig.start('young');
    const youngId = rig.spaceOf('young').id;
    const problem = async () => spaces.problemOf(await spaces.find(youngId), 'building');
    await rig.clock.runUntil(async () => (await problem())?.code === 'images-failed');
    expect((await problem())?.message).toMatch(/15 images failed/);
    expect(await rig.activeModel()).toBe('old');
    await spaces.activate(youngId);
    expect(await rig.activeModel()).toBe('young');
  });

  it('closes the previous one only after earlier searches have ended', async () => {
    const spaces = rig.start('young');
    const former = await spaces.get();
    await rig.untilAnswering('young');
    await rig.clock.advance(10_000);
    const texts = await former.provider.embedTexts(['still under way']);
    expect(texts).toHaveLength(1);
    await rig.clock.advance(20_000);
    const closed = rig.opened.filter(({ model }) => model === 'old').at(-1);
    expect(closed?.provider.disposals).toBe(1);
  });
});

describe('going back', () => {
  beforeEach(async () => {
    await indexWithOld();
    const spaces = rig.start('young');
    await rig.untilAnswering('young');
    await rig.stop(spaces);
  });

  it('is immediate, and catches up on changes in the meantime', async () => {
    const spaces = rig.start('young');
    await rig.upload(spaces, [31]);
    await rig.remove(spaces, [1]);
    await rig.untilIndexed('young', IMAGES.length);
    await spaces.activate(rig.spaceOf('old').id);
    expect((await spaces.get()).provider.space.model).toBe('old');
    await rig.untilIndexed('old', IMAGES.length);
    expect(await rig.stored('old')).toEqual([...IMAGES.slice(1), 31]);
  });

  it('persists after a start with a configuration that names the other, and in other processes', async () => {
    const other = rig.start('young');
    const spaces = rig.start('young');
    await spaces.activate(rig.spaceOf('old').id);
    expect((await other.get()).provider.space.model).toBe('old');
    await rig.clock.advance(120_000);
    await rig.stop(spaces);
    const next = rig.start('young');
    const openedBefore = rig.opened.length;
    await rig.clock.advance(120_000);
    expect((await next.get()).provider.space.model).toBe('old');
    expect(rig.opened.slice(openedBefore).map(({ model }) => model)).not.toContain('young');
  });

  it('rejects an unknown space', async () => {
    const spaces = rig.start('young');
    await expect(spaces.activate('nobody')).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('a busy library', () => {
  it("doesn't keep a new model from taking over", async () => {
    await indexWithOld();
    const spaces = rig.start('young');
    let fileId = 100;
    await rig.clock.runUntil(async () => {
      fileId += 1;
      if (fileId % 3 === 0) await rig.upload(spaces, [fileId]);
      return (await rig.activeModel()) === 'young';
    });
    expect(fileId).toBeLessThan(400);
  });

  it("doesn't lose imports to a change of model, however many images failed before", async () => {
    await indexWithOld();
    rig.assets.onRead = (fileId) => {
      if (fileId <= 8) throw failure('image-unreachable');
    };
    const spaces = rig.start('young');
    const youngId = rig.spaceOf('young').id;
    await rig.clock.runUntil(async () => (await rig.queue(youngId).counts()).failed === 8);
    for (const fileId of range(200, 5)) rig.assets.put(fileId, plainImage(String(fileId)));
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(expect.arrayContaining(range(200, 5)));
    expect((await spaces.get()).provider.space.model).toBe('young');
  });
});

describe('a process that does not index', () => {
  it('opens the next model before it becomes active, and closes the previous one afterward', async () => {
    await indexWithOld();
    const searcher = rig.createProcess('young');
    searcher.start({ isIndexing: false });
    await searcher.get();
    await rig.clock.advance(10_000);
    const openedBefore = rig.opened.length;
    rig.start('young');
    await rig.untilAnswering('young');
    await rig.clock.advance(60_000);
    expect((await searcher.get()).provider.space.model).toBe('young');
    const own = rig.opened.slice(0, openedBefore);
    const disposalsOf = (name: string) =>
      own.filter(({ model }) => model === name).at(-1)?.provider.disposals;
    expect(disposalsOf('old')).toBe(1);
    expect(disposalsOf('young')).toBe(0);
  });

  it("doesn't allow dropping a space that others fill", async () => {
    await indexWithOld();
    const gate = holdUp();
    rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    const searcher = rig.createProcess('young');
    await expect(searcher.forget(rig.spaceOf('young').id)).rejects.toMatchObject({
      code: 'conflict',
    });
    gate.open();
  });
});

describe('dropping', () => {
  beforeEach(indexWithOld);

  it('is rejected for the active space and the one being filled', async () => {
    const gate = holdUp();
    const spaces = rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    for (const model of ['old', 'young']) {
      await expect(spaces.forget(rig.spaceOf(model).id)).rejects.toMatchObject({
        code: 'conflict',
      });
    }
    gate.open();
  });

  it('is rejected for the configured space even if another was activated: it would be filled again', async () => {
    const spaces = rig.start('young');
    await rig.untilAnswering('young');
    await spaces.activate(rig.spaceOf('old').id);
    await expect(spaces.forget(rig.spaceOf('young').id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Configure another model first'),
    });
    await rig.stop(spaces);
    const later = rig.start('old');
    await later.forget(rig.spaceOf('young').id);
    expect((await rig.records.list()).map(({ space }) => space.model)).toEqual(['old']);
  });

  it('leaves no record of a previously active space', async () => {
    const spaces = rig.start('young');
    await rig.untilAnswering('young');
    await spaces.forget(rig.spaceOf('old').id);
    expect((await rig.records.list()).map(({ space }) => space.model)).toEqual(['young']);
    expect((await spaces.get()).provider.space.model).toBe('young');
  });
});

describe('a model whose vectors changed under the same name', () => {
  it('becomes active at once, because nothing else can', async () => {
    await indexWithOld();
    rig.openModel = () => Promise.resolve(new HashProvider({ model: 'changed' }));
    const spaces = rig.start('old');
    await rig.untilAnswering('changed');
    expect((await spaces.get()).provider.space.model).toBe('changed');
    await rig.untilIndexed('changed', IMAGES.length);
  });

  it("can't be switched to its previous space, which it can't search", async () => {
    await indexWithOld();
    const before = rig.start('young');
    await rig.untilAnswering('young');
    await rig.stop(before);
    rig.openModel = (model) =>
      Promise.resolve(new HashProvider({ model: model === 'old' ? 'changed' : model }));
    const spaces = rig.start('old');
    await rig.clock.advance(10_000);
    await expect(spaces.activate(rig.spaceOf('old').id)).rejects.toMatchObject({
      code: 'provider-model-missing',
    });
    expect((await spaces.get()).provider.space.model).toBe('young');
  });

  it('allows its previous space to be dropped, because nothing would fill it again', async () => {
    await indexWithOld();
    rig.openModel = () => Promise.resolve(new HashProvider({ model: 'changed' }));
    const spaces = rig.start('old');
    await rig.untilAnswering('changed');
    const records = await rig.records.list();
    expect(
      records.map((record) => [record.space.model, spaces.isConfigured(record, records)]),
    ).toEqual([
      ['old', false],
      ['changed', true],
    ]);
    await spaces.forget(rig.spaceOf('old').id);
    await rig.clock.advance(60_000);
    expect((await rig.records.list()).map(({ space }) => space.model)).toEqual(['changed']);
    expect((await spaces.get()).provider.space.model).toBe('changed');
  });
});

describe('several processes', () => {
  it('switch together, and fill the new space together', async () => {
    await indexWithOld();
    const [one, two] = [rig.start('young'), rig.start('young')];
    await rig.untilAnswering('young');
    for (const spaces of [one, two]) {
      expect((await spaces.get()).provider.space.model).toBe('young');
    }
    const embedded = rig.opened
      .filter(({ model }) => model === 'young')
      .flatMap(({ provider }) => provider.imageCalls);
    expect(embedded.reduce((sum, count) => sum + count, 0)).toBe(IMAGES.length);
  });

  it("follow a switch to a model that their own configuration doesn't name", async () => {
    await indexWithOld();
    const behind = rig.start('old');
    rig.start('young');
    await rig.untilAnswering('young');
    expect((await behind.get()).provider.space.model).toBe('young');
    await rig.upload(behind, [31]);
    await rig.untilIndexed('young', IMAGES.length + 1);
  });
});
