import type { UnreachableVectorStore } from './vector-store';
import { describeVectorStore } from './vector-store';
import { MemoryVectorStore } from '../support/memory-vector-store';

describeVectorStore('in memory, the double that other tests use', {
  isDurable: false,
  create: () => {
    const store = new MemoryVectorStore();
    return Promise.resolve({
      store,
      reopen: () => Promise.resolve(new MemoryVectorStore()),
      destroy: () => store.dispose(),
    });
  },
  createUnreachable: () => {
    const store = new MemoryVectorStore();
    store.isDown = true;
    return Promise.resolve<UnreachableVectorStore>({
      store,
      mend: () => {
        store.isDown = false;
        return Promise.resolve();
      },
      destroy: () => store.dispose(),
    });
  },
});
