import type { Core } from '@strapi/strapi';
import type { LibraryListener } from '../../../plugin/src/application/lifecycle';
import { toImageSearchError } from '../../../plugin/src/errors';
import type { IndexPriority } from '../../../plugin/src/indexing/contract';
import type { Logger } from '../../../plugin/src/logger';
import { libraryOf } from '../assets/library';
import { FILE_UID } from '../plugin-id';

/** Present only when a file was replaced, not when its caption was edited. */
const BYTE_FIELDS = ['hash', 'url', 'mime', 'getStream'];
/** What texts find a file by; Strapi keeps `folderPath` with `folder`. */
const WORD_FIELDS = ['name', 'alternativeText', 'caption', 'folder', 'folderPath'];
/** Strapi moves and renames files of folders without telling of the files. */
const FOLDER_EVENTS = ['media-folder.update'];

interface FileEvent {
  action: string;
  params: { where?: unknown; data?: unknown };
  result?: unknown;
  state: { fileIds?: number[] };
}

export interface UploadSubscriberOptions {
  strapi: Core.Strapi;
  listener: LibraryListener;
  logger: Logger;
}

/**
 * Queues changed files with one small write per change. It never throws and never embeds: an upload succeeds whatever
 * state the index is in, and the next reconciliation finds what was missed here.
 *
 * @returns a function that unsubscribes
 */
export function subscribeToUploads(options: UploadSubscriberOptions): () => void {
  const { listener, logger, strapi } = options;

  async function mark(fileIds: readonly number[], priority: IndexPriority): Promise<void> {
    try {
      if (fileIds.length > 0) await listener.markPending(fileIds, priority);
    } catch (error) {
      logger.warn(
        `Couldn't queue changed files for indexing; the next sync will find them. ${toImageSearchError(error).message}`,
      );
    }
  }

  /** Nothing is written inside a caller's transaction: it may be rolled back, and a failed write would break it. */
  async function afterCommit(work: () => Promise<void>): Promise<void> {
    if (!strapi.db.inTransaction()) return work();
    await strapi.db.transaction(({ onCommit }) => {
      onCommit(work);
    });
  }

  const markAfterCommit = (fileIds: readonly number[], priority: IndexPriority): Promise<void> =>
    afterCommit(() => mark(fileIds, priority));

  const updateWordsAfterCommit = (fileIds: readonly number[]): Promise<void> =>
    afterCommit(() => {
      listener.updateWords(fileIds);
      return Promise.resolve();
    });

  const forgetAfterCommit = (fileIds: readonly number[]): Promise<void> =>
    afterCommit(async () => {
      await mark(fileIds, 'replacement');
      listener.removePairs(fileIds);
    });

  const indexedAmong = (rows: readonly unknown[]): unknown[] =>
    rows.filter(
      (row) =>
        typeof row === 'object' && row !== null && 'mime' in row && libraryOf(strapi).has(row.mime),
    );

  async function rememberAffected(event: FileEvent): Promise<void> {
    try {
      const rows = await strapi.db
        .query(FILE_UID)
        .findMany({ where: event.params.where ?? {}, select: ['id', 'mime'] });
      event.state.fileIds = idsOf(indexedAmong(rows));
    } catch (error) {
      logger.debug(`Couldn't determine the affected files: ${toImageSearchError(error).message}`);
    }
  }

  const onFolderChange = (): Promise<void> => {
    listener.updateFolders();
    return Promise.resolve();
  };
  for (const event of FOLDER_EVENTS) strapi.eventHub.on(event, onFolderChange);
  const unsubscribe = strapi.db.lifecycles.subscribe({
    models: [FILE_UID],
    afterCreate: (event) => markAfterCommit(idsOf(indexedAmong([event.result])), 'upload'),
    afterCreateMany: (event) => {
      const { ids } = event.result as { ids?: unknown[] };
      return markAfterCommit(
        (ids ?? []).filter((id) => typeof id === 'number'),
        'upload',
      );
    },
    afterUpdate(event) {
      const fileIds = idsOf([event.result]);
      if (touches(event, BYTE_FIELDS)) return markAfterCommit(fileIds, 'replacement');
      return touches(event, WORD_FIELDS) ? updateWordsAfterCommit(fileIds) : undefined;
    },
    beforeUpdateMany: (event) =>
      touches(event, [...BYTE_FIELDS, ...WORD_FIELDS]) ? rememberAffected(event) : undefined,
    afterUpdateMany(event) {
      const { fileIds = [] } = (event as FileEvent).state;
      return touches(event, BYTE_FIELDS)
        ? markAfterCommit(fileIds, 'replacement')
        : updateWordsAfterCommit(fileIds);
    },
    afterDelete: (event) => forgetAfterCommit(idsOf(indexedAmong([event.result]))),
    beforeDeleteMany: (event) => rememberAffected(event),
    afterDeleteMany: (event) => forgetAfterCommit((event as FileEvent).state.fileIds ?? []),
  });
  return () => {
    unsubscribe();
    for (const event of FOLDER_EVENTS) strapi.eventHub.off(event, onFolderChange);
  };
}

function touches({ params: { data } }: FileEvent, fields: readonly string[]): boolean {
  return typeof data === 'object' && data !== null && fields.some((field) => field in data);
}

function idsOf(rows: readonly unknown[]): number[] {
  return rows.flatMap((row) => {
    const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
    return typeof id === 'number' ? [id] : [];
  });
}
