import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { JobLeases } from '../../../plugin/src/scheduling/contract';
import { JOB_UID } from '../plugin-id';

const rowSchema = z.object({ lease: z.string().nullable() });

const noLease = { lease: null, leaseExpiresAt: null };

/** Jobs in Strapi's own database. A claim is one conditional UPDATE, which the database gives to one caller alone. */
export function createJobLeases(strapi: Core.Strapi): JobLeases {
  const rows = () => strapi.db.query(JOB_UID);

  async function update(where: object, data: object): Promise<boolean> {
    const { count } = await rows().updateMany({ where, data });
    return count > 0;
  }

  /** Another process may be about to do the same. */
  async function ensure(name: string): Promise<void> {
    if ((await rows().count({ where: { name } })) > 0) return;
    const { tableName } = strapi.db.metadata.get(JOB_UID);
    await strapi.db.getConnection(tableName).insert({ name }).onConflict('name').ignore();
  }

  return {
    async tryClaim({ name, lease, notStartedSince }) {
      await ensure(name);
      const now = new Date();
      const isToDo = [
        { lease: { $null: true }, startedAt: { $null: true } },
        { lease: { $null: true }, startedAt: { $lt: notStartedSince } },
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
