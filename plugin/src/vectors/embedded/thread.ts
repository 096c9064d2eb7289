import { workerData } from 'node:worker_threads';
import { answerRequests, sendNotice } from '../../threads';
import { createEngine } from './engine';
import type { Operations, StoreNotice, StoreThreadOptions } from './protocol';

/** Entry of the worker thread that owns the vector file. */
answerRequests<Operations>(
  createEngine({
    ...(workerData as StoreThreadOptions),
    report: (notice: StoreNotice) => {
      sendNotice(notice);
    },
  }),
);
