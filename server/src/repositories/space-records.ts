import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { SpaceRecord, SpaceRecords } from '../../../plugin/src/spaces/contract';
import { activeOf } from '../../../plugin/src/spaces/roles';
import { SPACE_UID } from '../plugin-id';

const identitySchema = z.looseObject({ provider: z.string() });

const rowSchema = z.object({
  spaceId: z.string(),
  provider: z.string(),
  model: z.string(),
  dimensions: z.number(),
  preprocessing: z.string(),
  identity: identitySchema,
  activation: z.number().nullable(),
});

/** Spaces in Strapi's database. A switch is one UPDATE; a unique index on its number lets only one succeed. */
export function createSpaceRecords(strapi: Core.Strapi): SpaceRecords {
  const rows = () => strapi.db.query(SPACE_UID);

  async function list(): Promise<SpaceRecord[]> {
    const found: unknown[] = await rows().findMany({ orderBy: { id: 'asc' } });
    return found.map((row) => toRecord(rowSchema.parse(row)));
  }

  async function isRegistered(spaceId: string): Promise<boolean> {
    return (await rows().count({ where: { spaceId } })) > 0;
  }

  return {
    list,

    async register({ id: spaceId, ...space }, identity) {
      const { count } = await rows().updateMany({ where: { spaceId }, data: { identity } });
      if (count > 0) return;
      try {
        await rows().create({ data: { ...space, spaceId, identity, activation: null } });
      } catch (error) {
        // Another process added the same new model first.
        if (!(await isRegistered(spaceId))) throw error;
      }
    },

    async activate(spaceId, expected) {
      const active = activeOf(await list());
      if ((active?.space.id ?? null) !== expected) return false;
      const activation = (active?.activation ?? 0) + 1;
      try {
        const { count } = await rows().updateMany({ where: { spaceId }, data: { activation } });
        return count > 0;
      } catch (error) {
        const isTaken = (await rows().count({ where: { activation } })) > 0;
        if (isTaken) return false;
        throw error;
      }
    },

    async forget(spaceId) {
      const records = await list();
      const record = records.find(({ space }) => space.id === spaceId);
      if (!record) return true;
      if (activeOf(records) === record) return false;
      // A switch in the meantime would have changed its number.
      await rows().deleteMany({ where: { spaceId, activation: record.activation } });
      return !(await isRegistered(spaceId));
    },
  };
}

function toRecord(row: z.output<typeof rowSchema>): SpaceRecord {
  const { spaceId: id, provider, model, dimensions, preprocessing, identity, activation } = row;
  return { space: { id, provider, model, dimensions, preprocessing }, identity, activation };
}
