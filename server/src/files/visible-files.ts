import type { Core } from '@strapi/strapi';
import type { FileTraits } from '../../../plugin/src/contracts/search';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { FILE_UID } from '../plugin-id';
import { toTraitFilters, type TraitFilters } from './file-traits';

const LARGEST_LIST = 500;

/** An upload file as Strapi shows it to a caller. */
export type FileView = Record<string, unknown> & { id: number };

export interface VisibleFilesOptions {
  strapi: Core.Strapi;
  /** Strapi filters that say which files the caller may see; empty for all. */
  permission: Record<string, unknown>;
  /** Strapi filters that the caller asked for, validated and sanitized; empty for none. */
  filters: Record<string, unknown>;
  /** What the caller asked for that Strapi filters cannot say. */
  traits?: FileTraits | undefined;
  populate: Record<string, unknown>;
  /** Removes what the caller may not see of a row. */
  sanitize: (row: FileView) => Promise<unknown>;
}

/** What a query is about, in the words of Strapi's database. */
interface Scope {
  where: object;
  filters?: TraitFilters | undefined;
}

/** The files of the Media Library as one caller sees them, asked from Strapi's database each time. */
export function createVisibleFiles(options: VisibleFilesOptions): VisibleFiles<FileView> {
  const { strapi, permission, filters, populate, sanitize } = options;
  const traits = toTraitFilters(strapi, options.traits);
  const readable: Scope = { where: toWhere(strapi, permission) };
  const visible: Scope = {
    where: { $and: [readable.where, toWhere(strapi, filters)] },
    filters: traits,
  };

  function find(scope: Scope, query: { where: object; [key: string]: unknown }) {
    return strapi.db
      .query(FILE_UID)
      .findMany({ ...query, ...scope, where: { $and: [scope.where, query.where] } });
  }

  async function keep(scope: Scope, fileIds: readonly number[]): Promise<Set<number>> {
    const kept = new Set<number>();
    for (let start = 0; start < fileIds.length; start += LARGEST_LIST) {
      const ids = fileIds.slice(start, start + LARGEST_LIST);
      const rows = await find(scope, { where: { id: { $in: ids } }, select: ['id'] });
      for (const row of rows) kept.add(row.id as number);
    }
    return kept;
  }

  /** Strapi checks which fields are compared, not with what: only the database knows which values they take. */
  async function findVisible(query: { where: object; limit: number; orderBy?: object }) {
    try {
      return await find(visible, { select: ['id'], ...query });
    } catch (error) {
      // When the filters alone make the difference, they are to blame.
      await find({ ...readable, filters: traits }, { where: {}, select: ['id'], limit: 1 });
      throw new ImageSearchError({
        code: 'invalid-input',
        message: 'filters: a value does not fit its field or its operator.',
        retryable: false,
        cause: error,
      });
    }
  }

  return {
    isNarrowed: !isEmpty(permission) || !isEmpty(filters) || traits !== undefined,

    async listIds(limit) {
      const rows = await findVisible({ where: {}, limit: limit + 1 });
      return rows.length > limit ? null : [...new Set(rows.map((row) => row.id as number))];
    },

    async listIdsAfter(after, limit) {
      const rows = await findVisible({
        where: { id: { $gt: after } },
        orderBy: { id: 'asc' },
        limit,
      });
      const ids = [...new Set(rows.map((row) => row.id as number))];
      return { ids, nextCursor: rows.length < limit ? null : (ids.at(-1) ?? null) };
    },

    keepReadable: (fileIds) => keep(readable, fileIds),

    keepVisible: (fileIds) => keep(visible, fileIds),

    async load(fileIds) {
      const rows: FileView[] = await find(visible, { where: { id: { $in: fileIds } }, populate });
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
