import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  noFigures,
  type UsageFigures,
  type UsageKey,
  type UsageRecord,
  type UsageRecords,
} from '../../../plugin/src/billing/contract';
import { EMBEDDING_USAGE_UID } from '../plugin-id';
import { retryConflicts } from './row-locks';

/** Databases return large integers as text. */
const count = z.coerce.number();

/** Also in exported files, so nothing but figures and names. */
export const usageRecordSchema = z.object({
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

/** Every month and model. */
export async function listAllUsage(strapi: Core.Strapi): Promise<UsageRecord[]> {
  const found: unknown[] = await strapi.db
    .query(EMBEDDING_USAGE_UID)
    .findMany({ orderBy: [{ month: 'asc' }, { provider: 'asc' }, { model: 'asc' }] });
  return found.map((row) => usageRecordSchema.parse(row));
}

/** Raises each figure of a record to at least this one. */
export async function raiseUsage(
  strapi: Core.Strapi,
  { month, provider, model, ...figures }: UsageRecord,
): Promise<void> {
  const key = { month, provider, model };
  const records = createUsageRecords(strapi);
  const known = (await records.list(month)).find(
    (record) => record.provider === provider && record.model === model,
  );
  const missing = Object.entries(figures).map(([name, figure]): [string, number] => [
    name,
    Math.max(0, figure - (known?.[name as keyof UsageFigures] ?? 0)),
  ]);
  if (missing.every(([, figure]) => figure === 0)) return;
  await records.add(key, { ...noFigures, ...Object.fromEntries(missing) });
}

/** Usage of models in Strapi's database. Each addition is one UPDATE, so that several processes add up. */
export function createUsageRecords(strapi: Core.Strapi): UsageRecords {
  const tableOf = () => strapi.db.metadata.get(EMBEDDING_USAGE_UID).tableName;

  /** Another process may do the same at this moment. */
  async function ensure(key: UsageKey): Promise<void> {
    const zero = {
      images: 0,
      texts: 0,
      image_tokens: 0,
      text_tokens: 0,
      cost: 0,
      unstated_requests: 0,
      image_milliseconds: 0,
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
      return found.map((row): UsageRecord => usageRecordSchema.parse(row));
    },
  };
}
