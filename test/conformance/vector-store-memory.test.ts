import { MemoryVectorStore } from '../support/memory-vector-store';
import { type UnreachableVectorStore, describeVectorStore } from './vector-store';

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
      repair: () => {
        store.isDown = false;
        return Promise.resolve();
      },
      destroy: () => store.dispose(),
    });
  },
});
