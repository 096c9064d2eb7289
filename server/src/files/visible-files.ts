import type { Core } from '@strapi/strapi';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { FILE_UID } from '../plugin-id';

const LARGEST_LIST = 500;

/** An upload file as Strapi shows it to a caller. */
export type FileView = Record<string, unknown> & { id: number };

export interface VisibleFilesOptions {
  strapi: Core.Strapi;
  /** Strapi filters that say which files the caller may see; empty for all. */
  permission: Record<string, unknown>;
  /** Strapi filters that the caller asked for, validated and sanitized; empty for none. */
  filters: Record<string, unknown>;
  populate: Record<string, unknown>;
  /** Removes what the caller may not see of a row. */
  sanitize: (row: FileView) => Promise<unknown>;
}

/** The files of the Media Library as one caller sees them, asked from Strapi's database each time. */
export function createVisibleFiles(options: VisibleFilesOptions): VisibleFiles<FileView> {
  const { strapi, permission, filters, populate, sanitize } = options;
  const readable = toWhere(strapi, permission);
  const visible = { $and: [readable, toWhere(strapi, filters)] };
  const files = () => strapi.db.query(FILE_UID);

  async function keep(where: object, fileIds: readonly number[]): Promise<Set<number>> {
    const kept = new Set<number>();
    for (let start = 0; start < fileIds.length; start += LARGEST_LIST) {
      const ids = fileIds.slice(start, start + LARGEST_LIST);
      const rows = await files().findMany({
        where: { $and: [where, { id: { $in: ids } }] },
        select: ['id'],
      });
      for (const row of rows) kept.add(row.id as number);
    }
    return kept;
  }

  /** Strapi checks which fields are compared, not with what: only the database knows which values they take. */
  async function findVisible(query: object): Promise<{ id: number }[]> {
    try {
      return await files().findMany({ where: visible, select: ['id'], ...query });
    } catch (error) {
      // When the filters alone make the difference, they are to blame.
      await files().findMany({ where: readable, select: ['id'], limit: 1 });
      throw new ImageSearchError({
        code: 'invalid-input',
        message: 'filters: a value does not fit its field or its operator.',
        retryable: false,
        cause: error,
      });
    }
  }

  return {
    isNarrowed: !isEmpty(permission) || !isEmpty(filters),

    async listIds(limit) {
      const rows = await findVisible({ limit: limit + 1 });
      return rows.length > limit ? null : [...new Set(rows.map((row) => row.id))];
    },

    async listIdsAfter(after, limit) {
      const rows = await findVisible({
        where: { $and: [visible, { id: { $gt: after } }] },
        orderBy: { id: 'asc' },
        limit,
      });
      const ids = [...new Set(rows.map((row) => row.id))];
      return { ids, nextCursor: rows.length < limit ? null : (ids.at(-1) ?? null) };
    },

    keepReadable: (fileIds) => keep(readable, fileIds),

    keepVisible: (fileIds) => keep(visible, fileIds),

    async load(fileIds) {
      const rows: FileView[] = await files().findMany({
        where: { $and: [visible, { id: { $in: fileIds } }] },
        populate,
      });
      const fileService = strapi.plugin('upload').service('file');
      const views = rows.map(async (row): Promise<[number, FileView]> => {
        const signed = (await fileService.signFileUrls(row)) as FileView;
        return [row.id, (await sanitize(signed)) as FileView];
      });
      return new Map(await Promise.all(views));
    },
  };
}

function toWhere(strapi: Core.Strapi, filters: Record<string, unknown>): object {
  const { where } = strapi.get('query-params').transform(FILE_UID, { filters }) as {
    where?: object;
  };
  return where ?? {};
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}
