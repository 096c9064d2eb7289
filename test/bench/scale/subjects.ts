import { createEmbeddedSubject } from './embedded-subject';
import { createPostgresSubject } from './postgres-subject';
import { createQdrantSubject } from './qdrant-subject';
import type { StoreName } from './result';
import type { Subject } from './subject';

/**
 * @param folder where the store may keep files
 * @param isKeeping whether the store builds indexes; otherwise another process does
 */
export function createSubject(name: StoreName, folder: string, isKeeping = false): Subject {
  switch (name) {
    case 'embedded':
      return createEmbeddedSubject(folder);
    case 'postgres':
      return createPostgresSubject({ isIndexed: true, isKeeping });
    case 'postgres-exact':
      return createPostgresSubject({ isIndexed: false, isKeeping });
    case 'qdrant':
      return createQdrantSubject();
  }
}
