import { createEmbeddedSubject } from './embedded-subject';
import { createQdrantSubject } from './qdrant-subject';
import type { StoreName } from './result';
import type { Subject } from './subject';

/** @param folder where the store may keep files */
export function createSubject(name: StoreName, folder: string): Subject {
  return name === 'embedded' ? createEmbeddedSubject(folder) : createQdrantSubject();
}
