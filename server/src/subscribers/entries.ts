import type { Core } from '@strapi/strapi';
import type { LibraryListener } from '../../../plugin/src/application/lifecycle';

/** Those of Strapi's document service that come with the entry's files. The others are found at the next sync. */
const EVENTS = ['entry.create', 'entry.update', 'entry.publish', 'entry.draft-discard'];

/**
 * Has the titles of entries read again for the files that they use.
 *
 * @returns a function that ends it
 */
export function watchEntries(
  strapi: Core.Strapi,
  listener: Pick<LibraryListener, 'updateWords'>,
): () => void {
  const onChange = ({ entry }: { entry?: unknown }): Promise<void> => {
    listener.updateWords([...filesIn(entry)]);
    return Promise.resolve();
  };
  for (const event of EVENTS) strapi.eventHub.on(event, onChange as never);
  return () => {
    for (const event of EVENTS) strapi.eventHub.off(event, onChange as never);
  };
}

/** Ids of the files anywhere in an entry; of all that it may contain, only files have a MIME type. */
function filesIn(value: unknown, found = new Set<number>()): Set<number> {
  if (Array.isArray(value)) {
    for (const item of value) filesIn(item, found);
  } else if (typeof value === 'object' && value !== null) {
    if ('mime' in value && 'id' in value && typeof value.id === 'number') found.add(value.id);
    else for (const part of Object.values(value)) filesIn(part, found);
  }
  return found;
}
