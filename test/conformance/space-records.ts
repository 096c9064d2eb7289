import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import type { SpaceRecords } from '../../plugin/src/spaces/contract';
import { activeOf } from '../../plugin/src/spaces/roles';

/** How the suite gets hold of an implementation. */
export interface SpaceRecordsHarness {
  open(): Promise<void>;
  /** The opened records, with none in them; called before every test. */
  empty(): Promise<SpaceRecords>;
  close(): Promise<void>;
}

function createSpace(model: string) {
  return createVectorSpace({
    provider: 'clip',
    model,
    dimensions: 4,
    preprocessing: '{"size":64}'.repeat(40),
  });
}

const [old, young, third] = [createSpace('old'), createSpace('young'), createSpace('third')];
const identity = { provider: 'clip', model: 'old', dtype: 'q8' };

/** The contract of SpaceRecords, as tests that each implementation runs. */
export function describeSpaceRecords(name: string, harness: SpaceRecordsHarness): void {
  describe(`space records: ${name}`, () => {
    let records: SpaceRecords;
    beforeAll(() => harness.open());
    beforeEach(async () => {
      records = await harness.empty();
    });
    afterAll(() => harness.close());

    const activeId = async () => activeOf(await records.list())?.space.id ?? null;

    describe('register', () => {
      it('adds an inactive space', async () => {
        await records.register(old, identity);
        expect(await records.list()).toEqual([{ space: old, identity, activation: null }]);
        expect(await activeId()).toBeNull();
      });

      it('lists oldest first', async () => {
        for (const space of [young, old, third]) await records.register(space, identity);
        await records.activate(third.id, null);
        expect((await records.list()).map(({ space }) => space.id)).toEqual([
          young.id,
          old.id,
          third.id,
        ]);
      });

      it('replaces the identity without changing which space is active', async () => {
        await records.register(old, identity);
        await records.activate(old.id, null);
        const changed = { provider: 'clip', model: 'old', dtype: 'fp32' };
        await records.register(old, changed);
        expect(await records.list()).toMatchObject([{ space: old, identity: changed }]);
        expect(await activeId()).toBe(old.id);
      });

      it('adds one space for two concurrent calls', async () => {
        await Promise.all([records.register(old, identity), records.register(old, identity)]);
        expect(await records.list()).toHaveLength(1);
      });
    });

    describe('activate', () => {
      beforeEach(async () => {
        for (const space of [old, young, third]) await records.register(space, identity);
      });

      it('activates the first space, then another', async () => {
        expect(await records.activate(old.id, null)).toBe(true);
        expect(await activeId()).toBe(old.id);
        expect(await records.activate(young.id, old.id)).toBe(true);
        expect(await activeId()).toBe(young.id);
      });

      it('switches back and forth', async () => {
        await records.activate(old.id, null);
        await records.activate(young.id, old.id);
        expect(await records.activate(old.id, young.id)).toBe(true);
        expect(await activeId()).toBe(old.id);
        expect(await records.activate(young.id, old.id)).toBe(true);
        expect(await activeId()).toBe(young.id);
      });

      it('changes nothing if a different space is active than expected', async () => {
        await records.activate(old.id, null);
        expect(await records.activate(young.id, null)).toBe(false);
        expect(await records.activate(young.id, third.id)).toBe(false);
        expect(await activeId()).toBe(old.id);
      });

      it('changes nothing for an unregistered space', async () => {
        await records.activate(old.id, null);
        expect(await records.activate('nobody', old.id)).toBe(false);
        expect(await activeId()).toBe(old.id);
      });

      it('lets one of several concurrent calls win', async () => {
        await records.activate(old.id, null);
        const won = await Promise.all([
          records.activate(young.id, old.id),
          records.activate(third.id, old.id),
        ]);
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await activeId()).toBe(won[0] ? young.id : third.id);
      });
    });

    describe('forget', () => {
      beforeEach(async () => {
        for (const space of [old, young]) await records.register(space, identity);
        await records.activate(old.id, null);
      });

      it('removes a space that was never active, and one that no longer is', async () => {
        expect(await records.forget(young.id)).toBe(true);
        await records.register(young, identity);
        await records.activate(young.id, old.id);
        expect(await records.forget(old.id)).toBe(true);
        expect((await records.list()).map(({ space }) => space.id)).toEqual([young.id]);
      });

      it('keeps the active space', async () => {
        expect(await records.forget(old.id)).toBe(false);
        expect(await activeId()).toBe(old.id);
      });

      it('counts a missing space as removed', async () => {
        expect(await records.forget('nobody')).toBe(true);
      });
    });
  });
}
