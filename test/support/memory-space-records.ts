import type { EmbeddingIdentity, VectorSpace } from '../../plugin/src/embedding/contract';
import type { SpaceRecord, SpaceRecords } from '../../plugin/src/spaces/contract';
import { activeOf } from '../../plugin/src/spaces/roles';

/** The records in memory: every method changes them in one synchronous step, so all of them are atomic. */
export class MemorySpaceRecords implements SpaceRecords {
  readonly #records = new Map<string, SpaceRecord>();

  list(): Promise<SpaceRecord[]> {
    return Promise.resolve([...this.#records.values()]);
  }

  register(space: VectorSpace, identity: EmbeddingIdentity): Promise<void> {
    const activation = this.#records.get(space.id)?.activation ?? null;
    this.#records.set(space.id, { space, identity, activation });
    return Promise.resolve();
  }

  activate(spaceId: string, expected: string | null): Promise<boolean> {
    const active = activeOf([...this.#records.values()]);
    const record = this.#records.get(spaceId);
    if (!record || (active?.space.id ?? null) !== expected) return Promise.resolve(false);
    const activation = (active?.activation ?? 0) + 1;
    this.#records.set(spaceId, { ...record, activation });
    return Promise.resolve(true);
  }

  forget(spaceId: string): Promise<boolean> {
    const active = activeOf([...this.#records.values()]);
    if (active?.space.id === spaceId) return Promise.resolve(false);
    this.#records.delete(spaceId);
    return Promise.resolve(true);
  }
}
