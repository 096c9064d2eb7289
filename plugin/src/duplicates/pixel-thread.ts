import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { paletteOf } from '../images/palette';
import { traceRaster } from '../images/looks';
import { measureDetail } from '../matching/copy-quality';
import { comparePixels } from '../matching/pixel-comparison';
import { createJudging } from './candidate-judging';
import { fingerprintsOf } from './fingerprint-index';
import type { PixelReply, PixelRequest, PixelTask } from './pixel-worker';

/* Entry of the thread that works on pixels, so that the event loop stays free; see pixel-worker.ts. */

// Requests of the site go first. Only Linux has a priority for each thread; elsewhere this would be the whole process's.
if (process.platform === 'linux') {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A courtesy only, which a sandbox may refuse.
  }
}

const judge = createJudging();

async function perform(task: PixelTask): Promise<PixelReply['result']> {
  switch (task.kind) {
    case 'compare':
      return comparePixels(task.images);
    case 'measure':
      return measureDetail(task.images);
    case 'judge':
      return judge(task.task, undefined);
    case 'trace': {
      const looks = traceRaster(task.raster);
      const { fingerprint, thumbnail } = looks;
      const derived = {
        colors: paletteOf(looks),
        fingerprints: fingerprintsOf({ fingerprint, thumbnail }),
      };
      return { ...looks, derived };
    }
  }
}

parentPort?.on('message', ({ id, task }: PixelRequest) => {
  void perform(task)
    .catch((error: unknown) => ({ fault: String(error) }))
    .then((result) => {
      const reply: PixelReply = { id, result };
      parentPort?.postMessage(reply);
    });
});
