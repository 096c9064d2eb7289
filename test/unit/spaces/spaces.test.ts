import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { createGate } from '../../support/indexing-rig';
import { plainPicture } from '../../support/plain-pictures';
import { SpacesRig } from '../../support/spaces-rig';
import { range } from '../../conformance/index-entries/situations';

const PICTURES = range(1, 30);

let rig: SpacesRig;

beforeEach(() => {
  rig = new SpacesRig();
});
afterEach(async () => {
  await rig.stopAll();
});

/** A library that the model "old" answers for, its process ended. */
async function indexWithOld(): Promise<void> {
  const before = rig.start('old');
  await rig.upload(before, PICTURES);
  await rig.untilIndexed('old', PICTURES.length);
  await rig.stop(before);
}

/** Holds up every picture that the model "young" embeds. */
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
  it('answers as soon as it was opened, whether it indexes or is searched in', async () => {
    const spaces = rig.createProcess('old');
    const { provider } = await spaces.get();
    expect(provider.space.model).toBe('old');
    expect(await rig.answeringModel()).toBe('old');
  });

  it('takes over what was queued before any model could be opened', async () => {
    let isThere = false;
    rig.openModel = (model) =>
      isThere
        ? Promise.resolve(new HashProvider({ model }))
        : Promise.reject(failure('provider-unavailable'));
    const spaces = rig.start('old');
    await rig.upload(spaces, PICTURES);
    await rig.clock.advance(60_000);
    expect(await rig.answeringModel()).toBeNull();
    expect(await rig.queue('').counts()).toMatchObject({ pending: PICTURES.length });
    isThere = true;
    await rig.untilIndexed('old', PICTURES.length);
    expect(await rig.queue('').counts()).toMatchObject({ pending: 0 });
  });
});

describe('another model', () => {
  beforeEach(indexWithOld);

  it('takes over by itself once it holds every picture', async () => {
    rig.start('young');
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(PICTURES);
    expect(await rig.stored('old')).toEqual(PICTURES);
  });

  it('leaves the answers to the former one until then', async () => {
    const gate = holdUp();
    const spaces = rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    expect((await spaces.get()).provider.space.model).toBe('old');
    gate.open();
    await rig.untilAnswering('young');
    expect((await spaces.get()).provider.space.model).toBe('young');
  });

  it('and the former one both hear of what changes meanwhile', async () => {
    const gate = holdUp();
    const spaces = rig.start('young');
    await rig.clock.runUntil(() => gate.arrived > 0);
    await rig.upload(spaces, [31]);
    await rig.upload(spaces, [2], 'another picture');
    await rig.remove(spaces, [3]);
    await rig.untilIndexed('old', PICTURES.length);
    const expected = [...PICTURES.filter((fileId) => fileId !== 3), 31];
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

  it('goes on where it was interrupted', async () => {
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
    expect(await rig.answeringModel()).toBe('old');
    enough.open();
    rig.start('young');
    await rig.untilAnswering('young');
    expect(embedded).toBe(PICTURES.length);
  });

  it('does not take over while it cannot be opened, which is said once', async () => {
    rig.openModel = (model) =>
      model === 'young'
        ? Promise.reject(failure('provider-model-missing'))
        : Promise.resolve(new HashProvider({ model }));
    const spaces = rig.start('young');
    await rig.clock.advance(120_000);
    expect((await spaces.get()).provider.space.model).toBe('old');
    const said = rig.logger.at('warn').filter((line) => line.includes('cannot be opened'));
    expect(said).toHaveLength(1);
  });

  it('takes over though a picture whose storage does not answer is tried again and again', async () => {
    rig.assets.onRead = (fileId) => {
      if (fileId === 7) throw failure('image-unreachable');
    };
    rig.start('young');
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(PICTURES.filter((fileId) => fileId !== 7));
  });

  it('does not take over when too much fails in it, which the operator may overrule', async () => {
    rig.openModel = (model) => {
      const provider = new HashProvider({ model, limits: { imagesPerCall: 1 } });
      let count = 0;
      provider.onCall = (inputs) => {
        if (model !== 'young' || inputs.some((input) => 'text' in input)) return;
        count += 1;
        // Not many in a row, for which the provider would be to blame.
        if (count % 2 === 0) throw failure('provider-rejected-input');
      };
      return Promise.resolve(provider);
    };
    const spaces = rig.start('young');
    const youngId = rig.spaceOf('young').id;
    const problem = async () => spaces.problemOf(await spaces.find(youngId), 'filling');
    await rig.clock.runUntil(async () => /pictures failed/.test((await problem()) ?? ''));
    expect(await problem()).toMatch(/15 pictures failed/);
    expect(await rig.answeringModel()).toBe('old');
    await spaces.activate(youngId);
    expect(await rig.answeringModel()).toBe('young');
  });

  it('closes the former one only when searches that began before have ended', async () => {
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

  it('is done at once, and what changed meanwhile is caught up with', async () => {
    const spaces = rig.start('young');
    await rig.upload(spaces, [31]);
    await rig.remove(spaces, [1]);
    await rig.untilIndexed('young', PICTURES.length);
    await spaces.activate(rig.spaceOf('old').id);
    expect((await spaces.get()).provider.space.model).toBe('old');
    await rig.untilIndexed('old', PICTURES.length);
    expect(await rig.stored('old')).toEqual([...PICTURES.slice(1), 31]);
  });

  it('holds after a start with a configuration that names the other, and in other processes', async () => {
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

  it('refuses a space that nobody knows', async () => {
    const spaces = rig.start('young');
    await expect(spaces.activate('nobody')).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('a busy library', () => {
  it('does not keep a new model from taking over', async () => {
    await indexWithOld();
    const spaces = rig.start('young');
    let fileId = 100;
    await rig.clock.runUntil(async () => {
      fileId += 1;
      if (fileId % 3 === 0) await rig.upload(spaces, [fileId]);
      return (await rig.answeringModel()) === 'young';
    });
    expect(fileId).toBeLessThan(400);
  });

  it('does not lose imports to a change of model, however much failed before', async () => {
    await indexWithOld();
    rig.assets.onRead = (fileId) => {
      if (fileId <= 8) throw failure('image-unreachable');
    };
    const spaces = rig.start('young');
    const youngId = rig.spaceOf('young').id;
    await rig.clock.runUntil(async () => (await rig.queue(youngId).counts()).failed === 8);
    for (const fileId of range(200, 5)) rig.assets.put(fileId, plainPicture(String(fileId)));
    await rig.untilAnswering('young');
    expect(await rig.stored('young')).toEqual(expect.arrayContaining(range(200, 5)));
    expect((await spaces.get()).provider.space.model).toBe('young');
  });
});

describe('a process that does not index', () => {
  it('has the next model open before it answers, and closes the former one after', async () => {
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

  it('does not let the space be dropped that others fill', async () => {
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

  it('is refused for the space that answers and for the one that fills', async () => {
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

  it('is refused for the configured one that was switched away from: it would be filled again', async () => {
    const spaces = rig.start('young');
    await rig.untilAnswering('young');
    await spaces.activate(rig.spaceOf('old').id);
    await expect(spaces.forget(rig.spaceOf('young').id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Name another model first'),
    });
    await rig.stop(spaces);
    const later = rig.start('old');
    await later.forget(rig.spaceOf('young').id);
    expect((await rig.records.list()).map(({ space }) => space.model)).toEqual(['old']);
  });

  it('leaves no record of a space that answered before', async () => {
    const spaces = rig.start('young');
    await rig.untilAnswering('young');
    await spaces.forget(rig.spaceOf('old').id);
    expect((await rig.records.list()).map(({ space }) => space.model)).toEqual(['young']);
    expect((await spaces.get()).provider.space.model).toBe('young');
  });
});

describe('a model that makes other vectors under the same name', () => {
  it('answers at once, for nothing else can', async () => {
    await indexWithOld();
    rig.openModel = () => Promise.resolve(new HashProvider({ model: 'changed' }));
    const spaces = rig.start('old');
    await rig.untilAnswering('changed');
    expect((await spaces.get()).provider.space.model).toBe('changed');
    await rig.untilIndexed('changed', PICTURES.length);
  });

  it('is not switched to by its former space, in which it could not answer', async () => {
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

  it('leaves its former space to be dropped, which nothing would fill again', async () => {
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
    expect(embedded.reduce((sum, count) => sum + count, 0)).toBe(PICTURES.length);
  });

  it('follow a switch to a model that their own configuration does not name', async () => {
    await indexWithOld();
    const behind = rig.start('old');
    rig.start('young');
    await rig.untilAnswering('young');
    expect((await behind.get()).provider.space.model).toBe('young');
    await rig.upload(behind, [31]);
    await rig.untilIndexed('young', PICTURES.length + 1);
  });
});
