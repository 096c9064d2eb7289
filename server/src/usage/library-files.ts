import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { FILE_UID } from '../plugin-id';
import type { FileNames } from './contract';

const formatSchema = z.looseObject({
  url: z.string(),
  width: z.number().nullish(),
});

export const fileSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  name: z.string(),
  alternativeText: z.string().nullable(),
  caption: z.string().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  formats: z.record(z.string(), formatSchema).nullable().catch(null),
  hash: z.string(),
  ext: z.string().nullable(),
  mime: z.string(),
  /** In kilobytes (1,000 bytes). */
  size: z.coerce.number(),
  url: z.string(),
  previewUrl: z.string().nullable(),
  provider: z.string(),
  provider_metadata: z.unknown(),
  createdAt: z.coerce.date(),
  updatedAt: z.coerce.date(),
  folder: z.object({ id: z.number(), name: z.string() }).nullish(),
});

/** A file's row in the Media Library; its URLs are not signed. */
export type LibraryFile = z.output<typeof fileSchema>;

/** In the given order, without ids that don't exist. Joins the current transaction. */
export async function loadFiles(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<LibraryFile[]> {
  const rows: unknown[] = await strapi.db
    .query(FILE_UID)
    .findMany({ where: { id: { $in: [...fileIds] } }, populate: { folder: true } });
  const files = new Map(rows.map((row) => fileSchema.parse(row)).map((file) => [file.id, file]));
  return fileIds.flatMap((id) => files.get(id) ?? []);
}

export function namesOf({ id, documentId, hash, url, formats }: LibraryFile): FileNames {
  const formatUrls = Object.values(formats ?? {}).map((format) => format.url);
  return { id, documentId, hash, urls: [url, ...formatUrls] };
}
