import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { SpaceRecord, SpaceRecords } from '../../../plugin/src/spaces/contract';
import { answeringOf } from '../../../plugin/src/spaces/roles';
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

/** The spaces in Strapi's own database. A switch is one UPDATE, whose number a unique index gives to one alone. */
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
        // Another process that found the same new model was quicker.
        if (!(await isRegistered(spaceId))) throw error;
      }
    },

    async activate(spaceId, expected) {
      const answering = answeringOf(await list());
      if ((answering?.space.id ?? null) !== expected) return false;
      const activation = (answering?.activation ?? 0) + 1;
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
      if (answeringOf(records) === record) return false;
      // Had it been switched to meanwhile, its number would be another.
      await rows().deleteMany({ where: { spaceId, activation: record.activation } });
      return !(await isRegistered(spaceId));
    },
  };
}

function toRecord(row: z.output<typeof rowSchema>): SpaceRecord {
  const { spaceId: id, provider, model, dimensions, preprocessing, identity, activation } = row;
  return { space: { id, provider, model, dimensions, preprocessing }, identity, activation };
}
