import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Core } from '@strapi/strapi';

export const FILE_UID = 'plugin::upload.file';

export interface FileRow {
  id: number;
  name: string;
  hash: string;
  ext: string;
  mime: string;
  size: number;
  width: number | null;
  height: number | null;
  url: string;
  provider: string;
}

const columns = [
  'id',
  'name',
  'hash',
  'ext',
  'mime',
  'size',
  'width',
  'height',
  'url',
  'provider',
] as const satisfies readonly (keyof FileRow)[];

export type NewRow = Omit<FileRow, 'id'>;

export async function readRow(strapi: Core.Strapi, fileId: number): Promise<FileRow> {
  const row: unknown = await strapi.db
    .query(FILE_UID)
    .findOne({ where: { id: fileId }, select: [...columns] });
  if (row === null) throw new Error(`There is no file ${String(fileId)}.`);
  return row as FileRow;
}

/** Where the local provider keeps the bytes of a file. */
export function storedFile(strapi: Core.Strapi, { hash, ext }: Pick<FileRow, 'hash' | 'ext'>) {
  return path.join(strapi.dirs.static.public, 'uploads', `${hash}${ext}`);
}

/** The data of a row for a copy of this file's bytes, which are put beside them. */
export async function copyForRow(strapi: Core.Strapi, fileId: number): Promise<NewRow> {
  const row = await readRow(strapi, fileId);
  const copy = ownFile(row);
  await copyFile(storedFile(strapi, row), storedFile(strapi, copy));
  return copy;
}

/** The data of a row for these bytes, which are put where the local provider would. */
export async function placeForRow(
  strapi: Core.Strapi,
  file: { bytes: Uint8Array; ext: string; mime: string },
): Promise<NewRow> {
  const { bytes, ext, mime } = file;
  const row = ownFile({
    name: `placed${ext}`,
    hash: '',
    ext,
    mime,
    size: bytes.length / 1_000,
    width: null,
    height: null,
    url: '',
    provider: 'local',
  });
  await writeFile(storedFile(strapi, row), bytes);
  return row;
}

/** Into the table itself: no hook of Strapi sees it. */
export async function insertRaw(strapi: Core.Strapi, row: NewRow): Promise<number> {
  const now = new Date();
  const inserted: unknown = await strapi.db
    .connection('files')
    .insert({
      ...row,
      document_id: randomUUID().replaceAll('-', '').slice(0, 24),
      folder_path: '/',
      created_at: now,
      updated_at: now,
    })
    .returning('id');
  const [first] = inserted as { id: number }[];
  if (!first) throw new Error('Nothing was inserted.');
  return first.id;
}

export async function deleteRaw(strapi: Core.Strapi, fileId: number): Promise<void> {
  await strapi.db.connection('files').where({ id: fileId }).delete();
}

export async function deleteAllRaw(strapi: Core.Strapi): Promise<void> {
  await strapi.db.connection('files').delete();
}

function ownFile({ name, ext, mime, size, width, height, provider }: NewRow): NewRow {
  const hash = `copy_${randomUUID()}`;
  return {
    name,
    ext,
    mime,
    size,
    width,
    height,
    provider,
    hash,
    url: `/uploads/${hash}${ext}`,
  };
}
