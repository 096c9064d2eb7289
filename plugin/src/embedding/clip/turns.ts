import type { EmbeddingRequest, ImagesRequest, TextsRequest } from './protocol';

/** One input of one request: what the model does between two looks at the queue. */
export type Turn =
  | { kind: 'text'; request: TextsRequest; index: number }
  | { kind: 'image'; request: ImagesRequest; index: number };

interface Progress<Request> {
  request: Request;
  next: number;
}

/**
 * What the model does next. Somebody waits for a text, so texts go before pictures, even between two pictures of one
 * request: a search never waits for more than the picture that is being embedded. Otherwise first come, first served.
 */
export class TurnQueue {
  readonly #texts: Progress<TextsRequest>[] = [];
  readonly #images: Progress<ImagesRequest>[] = [];

  /** Takes requests with at least one input. */
  add(request: EmbeddingRequest): void {
    if (request.kind === 'texts') this.#texts.push({ request, next: 0 });
    else this.#images.push({ request, next: 0 });
  }

  /** Drops what is left of a request, if it is here. */
  cancel(id: number): void {
    for (const line of [this.#texts, this.#images]) {
      const index = line.findIndex(({ request }) => request.id === id);
      if (index >= 0) line.splice(index, 1);
    }
  }

  next(): Turn | null {
    const text = takeTurn(this.#texts, ({ texts }) => texts.length);
    if (text !== null) return { kind: 'text', ...text };
    const image = takeTurn(this.#images, ({ images }) => images.length);
    return image === null ? null : { kind: 'image', ...image };
  }
}

function takeTurn<Request>(
  line: Progress<Request>[],
  countInputs: (request: Request) => number,
): { request: Request; index: number } | null {
  const [first] = line;
  if (first === undefined) return null;
  const index = first.next;
  first.next += 1;
  if (first.next >= countInputs(first.request)) line.shift();
  return { request: first.request, index };
}
