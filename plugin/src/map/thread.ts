import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { layOut, type GridLayout, type LayoutInput } from './layout';

/* Entry of the thread that lays out the map: it starts with its input, tells its progress and ends with the layout. */

export interface MapInput extends LayoutInput {
  /** Of the vectors; what follows them is left out. */
  count: number;
}

export type MapMessage = { progress: number } | { layout: GridLayout };

// On Linux, a thread has a priority of its own; elsewhere this would slow the whole process.
if (process.platform === 'linux') os.setPriority(os.constants.priority.PRIORITY_LOW);

const send = (message: MapMessage): void => {
  parentPort?.postMessage(message);
};
let told = 0;
const { count, dimensions, vectors } = workerData as MapInput;
const input = { vectors: vectors.subarray(0, count * dimensions), dimensions };
const layout = layOut(input, (progress) => {
  if (progress - told < 0.01) return;
  told = progress;
  send({ progress });
});
send({ layout });
