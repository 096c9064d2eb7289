import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { systemClock, type Clock } from '../../../plugin/src/clock';
import type { IndexingHold, IndexingHolds } from '../../../plugin/src/indexing/contract';
import { CLOCK_TOLERANCE_MS, type JobLeases } from '../../../plugin/src/lease';
import { JOB_UID, PLUGIN_ID } from '../plugin-id';

const rowSchema = z.object({ lease: z.string().nullable() });

const noLease = { lease: null, leaseExpiresAt: null };

/** Jobs in Strapi's database. A claim is one conditional UPDATE, so only one caller succeeds. */
export function createJobLeases(
  strapi: Core.Strapi,
  clock: Pick<Clock, 'now'> = systemClock,
): JobLeases {
  const rows = () => strapi.db.query(JOB_UID);

  async function update(where: object, data: object): Promise<boolean> {
    const { count } = await rows().updateMany({ where, data });
    return count > 0;
  }

  /** Another process may do the same at this moment. */
  async function ensure(name: string): Promise<void> {
    if ((await rows().count({ where: { name } })) > 0) return;
    const { tableName } = strapi.db.metadata.get(JOB_UID);
    await strapi.db.getConnection(tableName).insert({ name }).onConflict('name').ignore();
  }

  async function limitLease(name: string, latest: Date): Promise<void> {
    await update({ name, leaseExpiresAt: { $gt: latest } }, { leaseExpiresAt: latest });
  }

  return {
    async tryClaim({ name, lease, notStartedSince }) {
      await ensure(name);
      const now = new Date(clock.now());
      await limitLease(name, new Date(lease.expiresAt.getTime() + CLOCK_TOLERANCE_MS));
      const inTheFuture = new Date(now.getTime() + CLOCK_TOLERANCE_MS);
      const isToDo = [
        { lease: { $null: true }, startedAt: { $null: true } },
        { lease: { $null: true }, startedAt: { $lt: notStartedSince } },
        { lease: { $null: true }, startedAt: { $gt: inTheFuture } },
        { leaseExpiresAt: { $lte: now } },
      ];
      const isClaimed = await update(
        { name, $or: isToDo },
        { startedAt: now, lease: lease.token, leaseExpiresAt: lease.expiresAt },
      );
      if (isClaimed) return { kind: 'claimed' };
      const holder = rowSchema.parse(await rows().findOne({ where: { name } }));
      return holder.lease === null ? { kind: 'done' } : { kind: 'held', leaseToken: holder.lease };
    },

    renew: (lease) => update({ lease: lease.token }, { leaseExpiresAt: lease.expiresAt }),

    finish: (leaseToken) => update({ lease: leaseToken }, noLease),
  };
}

const storedSchema = z.object({ since: z.string(), by: z.string().nullable() });

export function createIndexingHolds(strapi: Core.Strapi): IndexingHolds {
  const store = strapi.store({ type: 'plugin', name: PLUGIN_ID, key: 'indexing-hold' });

  async function current(): Promise<IndexingHold | null> {
    return storedSchema.nullish().parse(await store.get({})) ?? null;
  }

  return {
    current,
    async begin(by) {
      if (await current()) return;
      await store.set({ value: { since: new Date().toISOString(), by } });
    },
    async end() {
      // Strapi's store has two rows if two users stopped it at the same moment.
      while (await current()) await store.delete({});
    },
  };
}
