import type { VectorCollection } from '../../../plugin/src/vectors/contract';

/** How long the searches of a collection took so far, in milliseconds. */
export interface SearchTime {
  milliseconds: number;
}

/** From now on the time of the collection's searches is added up, so that it can be told from other work. */
export function timeSearches(collection: VectorCollection): SearchTime {
  const time: SearchTime = { milliseconds: 0 };
  const search = collection.search.bind(collection);
  collection.search = async (query) => {
    const start = performance.now();
    const hits = await search(query);
    time.milliseconds += performance.now() - start;
    return hits;
  };
  return time;
}
