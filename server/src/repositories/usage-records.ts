import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { UsageKey, UsageRecord, UsageRecords } from '../../../plugin/src/billing/contract';
import { EMBEDDING_USAGE_UID } from '../plugin-id';
import { retryConflicts } from './row-locks';

/** Databases answer large integers as text. */
const count = z.coerce.number();

const rowSchema = z.object({
  month: z.string(),
  provider: z.string(),
  model: z.string(),
  images: count,
  texts: count,
  imageTokens: count,
  textTokens: count,
  cost: z.number(),
  unstatedRequests: count,
  imageMilliseconds: count,
});

/** What models did, in Strapi's own database: an addition is one UPDATE, so that those of several processes add up. */
export function createUsageRecords(strapi: Core.Strapi): UsageRecords {
  const tableOf = () => strapi.db.metadata.get(EMBEDDING_USAGE_UID).tableName;

  /** Another process may be about to do the same. */
  async function ensure(key: UsageKey): Promise<void> {
    const zero = {
      ...{ images: 0, texts: 0, image_tokens: 0, text_tokens: 0, cost: 0 },
      ...{ unstated_requests: 0, image_milliseconds: 0 },
    };
    await strapi.db
      .getConnection(tableOf())
      .insert({ ...key, ...zero })
      .onConflict(['month', 'provider', 'model'])
      .ignore();
  }

  return {
    async add(key, figures) {
      const increments = {
        images: figures.images,
        texts: figures.texts,
        image_tokens: figures.imageTokens,
        text_tokens: figures.textTokens,
        cost: figures.cost,
        unstated_requests: figures.unstatedRequests,
        image_milliseconds: Math.round(figures.imageMilliseconds),
      };
      const addToRow = () =>
        retryConflicts(strapi, async () =>
          strapi.db.getConnection(tableOf()).where(key).increment(increments),
        );
      if ((await addToRow()) > 0) return;
      await retryConflicts(strapi, () => ensure(key));
      await addToRow();
    },

    async list(month) {
      const found: unknown[] = await strapi.db
        .query(EMBEDDING_USAGE_UID)
        .findMany({ where: { month } });
      return found.map((row): UsageRecord => rowSchema.parse(row));
    },
  };
}
