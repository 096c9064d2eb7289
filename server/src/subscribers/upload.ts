import type { Core } from '@strapi/strapi';
import { toImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';

/** Only a replaced file carries these; editing a caption does not. */
const BYTE_FIELDS = ['hash', 'url', 'mime', 'getStream'];

interface FileEvent {
  action: string;
  params: { where?: unknown; data?: unknown };
  result?: unknown;
  state: { fileIds?: number[] };
}

export interface UploadSubscriberOptions {
  strapi: Core.Strapi;
  /** Puts files into the queue; the only thing that an upload waits for. */
  markPending: (fileIds: readonly number[]) => Promise<void>;
  /** These files are gone: what was found between them and others is forgotten soon. Answers at once. */
  removePairs: (fileIds: readonly number[]) => void;
  logger: Logger;
}

/**
 * Tells the queue which files changed, one small write per change. It never throws and never embeds: an upload
 * succeeds whatever state the index is in, and what is missed here the comparison of library and index finds.
 *
 * @returns unsubscribes
 */
export function subscribeToUploads(options: UploadSubscriberOptions): () => void {
  const { strapi } = options;

  async function mark(fileIds: readonly number[]): Promise<void> {
    try {
      if (fileIds.length > 0) await options.markPending(fileIds);
    } catch (error) {
      options.logger.warn(
        `Changed files could not be queued for indexing; the next comparison finds them. ${toImageSearchError(error).message}`,
      );
    }
  }

  /** Inside a caller's transaction nothing is written: it may be rolled back, and a failed write would break it. */
  async function afterCommit(work: () => Promise<void>): Promise<void> {
    if (!strapi.db.inTransaction()) return work();
    await strapi.db.transaction(({ onCommit }) => {
      onCommit(work);
    });
  }

  const markAfterCommit = (fileIds: readonly number[]): Promise<void> =>
    afterCommit(() => mark(fileIds));

  const forgetAfterCommit = (fileIds: readonly number[]): Promise<void> =>
    afterCommit(async () => {
      await mark(fileIds);
      options.removePairs(fileIds);
    });

  async function rememberAffected(event: FileEvent): Promise<void> {
    try {
      const rows = await strapi.db
        .query(FILE_UID)
        .findMany({ where: event.params.where ?? {}, select: ['id', 'mime'] });
      event.state.fileIds = idsOf(picturesAmong(rows));
    } catch (error) {
      options.logger.debug(`Affected files are not known: ${toImageSearchError(error).message}`);
    }
  }

  return strapi.db.lifecycles.subscribe({
    models: [FILE_UID],
    afterCreate: (event) => markAfterCommit(idsOf(picturesAmong([event.result]))),
    afterCreateMany: (event) => {
      const { ids } = event.result as { ids?: unknown[] };
      return markAfterCommit((ids ?? []).filter((id) => typeof id === 'number'));
    },
    afterUpdate: (event) =>
      touchesBytes(event) ? markAfterCommit(idsOf([event.result])) : undefined,
    beforeUpdateMany: (event) => (touchesBytes(event) ? rememberAffected(event) : undefined),
    afterUpdateMany: (event) => markAfterCommit((event as FileEvent).state.fileIds ?? []),
    afterDelete: (event) => forgetAfterCommit(idsOf(picturesAmong([event.result]))),
    beforeDeleteMany: (event) => rememberAffected(event),
    afterDeleteMany: (event) => forgetAfterCommit((event as FileEvent).state.fileIds ?? []),
  });
}

function touchesBytes(event: FileEvent): boolean {
  const { data } = event.params;
  return typeof data === 'object' && data !== null && BYTE_FIELDS.some((field) => field in data);
}

function picturesAmong(rows: readonly unknown[]): unknown[] {
  return rows.filter((row) => {
    const mime = typeof row === 'object' && row !== null && 'mime' in row ? row.mime : undefined;
    return typeof mime === 'string' && mime.startsWith('image/');
  });
}

function idsOf(rows: readonly unknown[]): number[] {
  return rows.flatMap((row) => {
    const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
    return typeof id === 'number' ? [id] : [];
  });
}
