import { describe, expect, it } from '@jest/globals';
import { TurnQueue } from '../../../../plugin/src/embedding/clip/model';
import type { EmbeddingRequest } from '../../../../plugin/src/embedding/clip/protocol';

const images = (id: number, count: number): EmbeddingRequest => ({
  kind: 'images',
  id,
  images: Array.from({ length: count }, () => new Uint8Array()),
  recipe: { family: 'clip', width: 1, height: 1, factors: [1, 1, 1], offsets: [0, 0, 0] },
});

const texts = (id: number, count: number): EmbeddingRequest => ({
  kind: 'texts',
  id,
  texts: Array.from({ length: count }, String),
  recipe: { family: 'clip', maxTokens: 77 },
});

/** `<id>.<index>` of the next turn. */
function take(queue: TurnQueue): string | null {
  const turn = queue.next();
  return turn === null ? null : `${String(turn.request.id)}.${String(turn.index)}`;
}

describe('the queue of the model', () => {
  it('serves requests of one kind in order, input by input', () => {
    const queue = new TurnQueue();
    queue.add(images(1, 2));
    queue.add(images(2, 1));
    expect([take(queue), take(queue), take(queue), take(queue)]).toEqual([
      '1.0',
      '1.1',
      '2.0',
      null,
    ]);
  });

  it('serves a text between two images of one request', () => {
    const queue = new TurnQueue();
    queue.add(images(1, 3));
    expect(take(queue)).toBe('1.0');
    queue.add(texts(2, 2));
    expect([take(queue), take(queue), take(queue), take(queue)]).toEqual([
      '2.0',
      '2.1',
      '1.1',
      '1.2',
    ]);
  });

  it('drops the rest of a canceled request', () => {
    const queue = new TurnQueue();
    queue.add(images(1, 3));
    queue.add(texts(2, 1));
    queue.add(images(3, 1));
    expect(take(queue)).toBe('2.0');
    expect(take(queue)).toBe('1.0');
    queue.cancel(1);
    queue.cancel(99);
    expect([take(queue), take(queue)]).toEqual(['3.0', null]);
  });
});
