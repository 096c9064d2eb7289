import type { Core } from '@strapi/strapi';
import { kindOf, typesOfKind, type FileKind } from '../../../plugin/src/contracts/file-kinds';
import { trashedFileIds } from '../merging/journal';
import { PLUGIN_ID } from '../plugin-id';
import type { TableQuery } from '../usage/database-tables';

/** The files of the Media Library that can be indexed here: images, and others that the configuration includes. */
export interface Library {
  /** Whether files of this MIME type are indexed. */
  has(mimeType: unknown): boolean;
  /** A condition on files: of these kinds, and not in the trash. */
  condition(): object;
  /** Narrows a query on Strapi's table of files to these kinds. */
  narrow(query: TableQuery): void;
}

export function createLibrary(strapi: Core.Strapi, kinds: readonly FileKind[]): Library {
  return {
    has(mimeType) {
      const kind = typeof mimeType === 'string' ? kindOf(mimeType) : null;
      return kind !== null && kinds.includes(kind);
    },
    condition: () => ({ ...conditionOn(kinds), id: { $notIn: trashedFileIds(strapi) } }),
    narrow(query) {
      void query.where((either) => {
        for (const kind of kinds) {
          const { exactly, startsWith } = typesOfKind[kind];
          if (exactly !== undefined) void either.orWhere('mime', exactly);
          if (startsWith !== undefined) void either.orWhere('mime', 'like', `${startsWith}%`);
        }
      });
    },
  };
}

export function libraryOf(strapi: Core.Strapi): Library {
  return strapi.plugin(PLUGIN_ID).service<Library>('library');
}

/** A condition on files: of one of these kinds. */
export function conditionOn(kinds: readonly FileKind[]): object {
  const types = kinds.map((kind) => {
    const { exactly, startsWith } = typesOfKind[kind];
    return { mime: exactly === undefined ? { $startsWith: startsWith } : { $eq: exactly } };
  });
  return types.length === 1 ? { ...types[0] } : { $or: types };
}
