import { parentPort } from 'node:worker_threads';
import { measureDetail } from '../matching/copy-quality';
import { comparePixels } from '../matching/pixel-comparison';
import type { PixelReply, PixelRequest } from './pixel-confirmation';

/* Entry of the thread that compares pixels, so that the event loop stays free; see pixel-confirmation.ts. */

parentPort?.on('message', ({ id, task }: PixelRequest) => {
  let result: PixelReply['result'];
  try {
    result = 'inner' in task ? comparePixels(task) : measureDetail(task);
  } catch (error) {
    result = String(error);
  }
  const reply: PixelReply = { id, result };
  parentPort?.postMessage(reply);
});
