import { constants, setPriority } from 'node:os';
import { setImmediate as nextTurnOfEventLoop } from 'node:timers/promises';
import { Model, TurnQueue, type Turn } from './model';
import { toFailure } from './model-files';
import type { Answer, Request } from './protocol';

/*
 * Entry of the model's process; see model-process.ts. The model's `run` blocks this process, so requests are read
 * between two inputs.
 */

const queue = new TurnQueue();
/** Vectors of pending requests, by id. */
const vectors = new Map<number, Float32Array[]>();
let model: Model | null = null;
let isWorking = false;

// Everything else goes first, the site above all. On Linux, threads inherit the priority, so it's set before any starts.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// Ctrl-C in a terminal reaches this process, too, but the server still needs it until it disconnects.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (request: Request) => {
  handle(request);
});

function handle(request: Request): void {
  switch (request.kind) {
    case 'open':
      void answerFailures(request.id, () => {
        model = new Model(request, (progress) => {
          send({ kind: 'progress', ...progress });
        });
        send({ kind: 'opened', id: request.id });
      });
      return;
    case 'cancel':
      forget(request.id);
      return;
    case 'texts':
    case 'images':
      vectors.set(request.id, []);
      queue.add(request);
      if (!isWorking) void work();
  }
}

async function work(): Promise<void> {
  isWorking = true;
  for (let turn = queue.next(); turn !== null; turn = queue.next()) {
    await take(turn);
    await nextTurnOfEventLoop();
  }
  isWorking = false;
}

async function take(turn: Turn): Promise<void> {
  const { id } = turn.request;
  await answerFailures(id, async () => {
    const vector = await embed(turn);
    const collected = vectors.get(id);
    if (collected === undefined) return;
    collected.push(vector);
    if (collected.length < countInputs(turn)) return;
    forget(id);
    send({ kind: 'embedded', id, vectors: collected });
  });
}

function embed(turn: Turn): Promise<Float32Array> {
  if (model === null) throw new Error('The first request must open the model.');
  return turn.kind === 'text'
    ? model.embedText(turn.request.texts[turn.index] ?? '', turn.request.recipe)
    : model.embedImage(turn.request.images[turn.index] ?? new Uint8Array(), turn.request.recipe);
}

function countInputs(turn: Turn): number {
  return turn.kind === 'text' ? turn.request.texts.length : turn.request.images.length;
}

async function answerFailures(id: number, act: () => Promise<void> | void): Promise<void> {
  try {
    await act();
  } catch (error) {
    forget(id);
    send({ kind: 'failed', id, failure: toFailure(error) });
  }
}

function forget(id: number): void {
  queue.cancel(id);
  vectors.delete(id);
}

function send(answer: Answer): void {
  process.send?.(answer);
}
