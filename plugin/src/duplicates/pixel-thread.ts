import { parentPort } from 'node:worker_threads';
import { comparePixels } from '../matching/pixel-comparison';
import type { PixelReply, PixelRequest } from './pixel-confirmation';

/* Entry of the thread that compares pixels, so that the event loop stays free; see pixel-confirmation.ts. */

parentPort?.on('message', ({ id, ...images }: PixelRequest) => {
  let result: PixelReply['result'];
  try {
    result = comparePixels(images);
  } catch (error) {
    result = String(error);
  }
  const reply: PixelReply = { id, result };
  parentPort?.postMessage(reply);
});
