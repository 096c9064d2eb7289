import type { Core } from '@strapi/strapi';
import { toImageSearchError } from '../../plugin/src/errors';
import type { IndexEntries } from '../../plugin/src/indexing/contract';
import type { Logger } from '../../plugin/src/logger';
import type { SpaceRecords } from '../../plugin/src/spaces/contract';
import type { ImageSearchEvents } from '../../plugin/src/types';
import type { FileMerging } from './merging/merging';

const eventNames = [
  'image-search.file.indexed',
  'image-search.file.failed',
  'image-search.duplicate.found',
  'image-search.merge.done',
  'image-search.space.switched',
] as const satisfies (keyof ImageSearchEvents)[];

/** Tells Strapi's event hub, and so its webhooks, what happened. */
export interface Events {
  /** Returns at once; what listeners do or throw doesn't matter to the caller. */
  emit<Name extends keyof ImageSearchEvents>(name: Name, payload: ImageSearchEvents[Name]): void;
}

export function createEvents(strapi: Core.Strapi, logger: Logger): Events {
  return {
    emit(name, payload) {
      // The hub calls listeners synchronously.
      setImmediate(() => {
        strapi.eventHub.emit(name, payload).catch((error: unknown) => {
          logger.warn(`A listener of "${name}" failed: ${toImageSearchError(error).message}`);
        });
      });
    },
  };
}

interface WebhookStore {
  addAllowedEvent(key: string, event: string): void;
}

/** Lets webhooks have these events. */
export function allowInWebhooks(strapi: Core.Strapi): void {
  const store = strapi.get<WebhookStore>('webhookStore');
  for (const name of eventNames) {
    store.addAllowedEvent(name.toUpperCase().replaceAll(/[^A-Z]/g, '_'), name);
  }
}

/** A queue that tells when files leave it. */
export function announceEntries(
  entries: IndexEntries,
  {
    events,
    onIndexed,
    spaceId,
  }: { events: Events; onIndexed: (fileIds: readonly number[]) => void; spaceId: () => string },
): IndexEntries {
  return {
    ...entries,
    async complete(indexed) {
      const written = await entries.complete(indexed);
      if (written.length > 0) onIndexed(written);
      for (const fileId of written) {
        events.emit('image-search.file.indexed', { fileId, space: spaceId() });
      }
      return written;
    },
    async fail(fileId, lease, failure) {
      const isWritten = await entries.fail(fileId, lease, failure);
      const { code, next } = failure;
      if (isWritten && next.state !== 'pending') {
        const payload = { fileId, space: spaceId(), state: next.state, code };
        events.emit('image-search.file.failed', payload);
      }
      return isWritten;
    },
  };
}

/** Spaces that tell when searches use another one. */
export function announceSpaces(spaces: SpaceRecords, events: Events): SpaceRecords {
  return {
    ...spaces,
    async activate(spaceId, expected) {
      const isSwitched = await spaces.activate(spaceId, expected);
      if (isSwitched && spaceId !== expected) {
        events.emit('image-search.space.switched', { space: spaceId, from: expected });
      }
      return isSwitched;
    },
  };
}

/** Merging that tells when it is done. */
export function announceMerges(merging: FileMerging, events: Events): FileMerging {
  return {
    ...merging,
    async perform(request) {
      const report = await merging.perform(request);
      events.emit('image-search.merge.done', {
        mergeId: report.mergeId,
        keptId: report.keepId,
        mergedIds: report.files
          .filter(({ outcome }) => outcome === 'trashed' || outcome === 'removed')
          .map(({ id }) => id),
        userId: request.userId ?? null,
      });
      return report;
    },
  };
}
