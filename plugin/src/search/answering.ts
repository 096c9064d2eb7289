import type { OpenSpace } from '../active-space';
import { systemClock, type Clock } from '../clock';
import { timeoutReason } from '../deadline';
import type { EmbeddingProvider } from '../embedding/contract';
import type { ImageSearchError } from '../errors';
import type { Logger } from '../logger';
import { untilAborted } from './abortion';
import { isOutage, Outage, type OutageSubject } from './outage';
import type { QueryEmbedder } from './query-embedder';
import { textsOf, vectorsIn } from './query-vectors';
import type { EmbeddableExample } from './url-examples';

/** With a space to fall back on, nobody waits longer for the provider of the answering one. */
const PATIENCE_MS = 4_000;

/** Where searches are answered. */
export interface SearchSpaces {
  /** The open space that answers; fails as opening it does. */
  get(signal?: AbortSignal): Promise<OpenSpace>;
  /** The open space to fall back on; null for none. Fails as opening it does. */
  getFallback?(signal?: AbortSignal): Promise<OpenSpace | null>;
  /** Whether there is one, open or not. */
  readonly hasFallback?: boolean;
  /** Why indexing in the answering space pauses; null while it does not. */
  pauseError?(): ImageSearchError | null;
}

/** A question as vectors of one space, which answers the whole of it. */
export interface EmbeddedQuestion {
  space: OpenSpace;
  isFallback: boolean;
  /** In the order of the examples. */
  vectors: Float32Array[];
}

export interface AnsweringOptions {
  spaces: SearchSpaces;
  embedder: QueryEmbedder;
  logger: Logger;
  /** @default systemClock */
  clock?: Clock;
}

interface Question {
  examples: readonly EmbeddableExample[];
  signal: AbortSignal | undefined;
}

/**
 * Chooses the space that answers a question: the answering one, or, while the provider of that is down and the
 * question needs it, the one to fall back on. All vectors of a question are of the one space that is chosen.
 */
export class Answering {
  readonly #spaces: SearchSpaces;
  readonly #embedder: QueryEmbedder;
  readonly #clock: Clock;
  readonly #outage: Outage;
  /** A model that hangs while it is opened must not keep one search after the other waiting. */
  readonly #opening: OutageSubject;

  constructor({ spaces, embedder, logger, clock = systemClock }: AnsweringOptions) {
    this.#spaces = spaces;
    this.#embedder = embedder;
    this.#clock = clock;
    this.#outage = new Outage({ clock, logger });
    this.#opening = {
      id: 'opening',
      isWell: (signal) =>
        untilAborted(spaces.get(), signal).then(
          () => true,
          () => false,
        ),
    };
  }

  /** Fails as the spaces, the provider and the store do, and with `aborted`. */
  async embed(question: Question): Promise<EmbeddedQuestion> {
    if (this.#spaces.hasFallback !== true) return this.#embedMain(question);
    const named = await this.#namedFallback(question);
    if (named) return this.#embedIn(named, question, true);
    const { signal } = question;
    try {
      return await this.#withPatience(signal, (patience) =>
        this.#embedMain({ ...question, signal: patience }),
      );
    } catch (error) {
      if (!isOutage(error) || signal?.aborted) throw error;
      return this.#embedInstead(question, error);
    }
  }

  /** In the space that answers. Fails at once when its provider is needed and known to be down. */
  async #embedMain(question: Question): Promise<EmbeddedQuestion> {
    const { examples, signal } = question;
    if (this.#spaces.hasFallback !== true) {
      const space = await untilAborted(this.#spaces.get(), signal);
      return this.#embedIn(space, question, false);
    }
    const space = await this.#openMain(signal);
    const { provider } = space;
    const subject = subjectOf(provider);
    this.#outage.hear(this.#spaces.pauseError?.() ?? null, subject);
    const outage = this.#outage.of(subject);
    if (outage && (await this.#isNeeded(provider, question))) throw outage;
    try {
      return await this.#embedIn(space, question, false);
    } catch (error) {
      // Pictures wait for their turn to be decoded: when time runs out then, the provider may not even have been asked.
      const isCertain = !signal?.aborted || examples.every(({ kind }) => kind === 'text');
      if (isOutage(error) && isCertain) this.#outage.note(error, subject);
      throw error;
    }
  }

  /** Opened on first use, perhaps by somebody else. Fails at once when it is known to hang. */
  async #openMain(signal: AbortSignal | undefined): Promise<OpenSpace> {
    const outage = this.#outage.of(this.#opening);
    if (outage) throw outage;
    const opening = this.#spaces.get();
    try {
      return await untilAborted(opening, signal);
    } catch (error) {
      if (isOutage(error) && signal?.aborted) this.#noteHanging(opening, error);
      throw error;
    }
  }

  #noteHanging(opening: Promise<OpenSpace>, error: ImageSearchError): void {
    this.#outage.note(error, this.#opening);
    opening.then(
      () => {
        this.#outage.end(this.#opening, true);
      },
      () => {
        this.#outage.end(this.#opening, false);
      },
    );
  }

  async #embedInstead(question: Question, outage: ImageSearchError): Promise<EmbeddedQuestion> {
    try {
      const space = await untilAborted(this.#openFallback(), question.signal);
      if (space) return await this.#embedIn(space, question, true);
    } catch (error) {
      // What the fallback lacks is no news to who asks: the provider is down.
      if (!isOutage(error)) throw error;
    }
    throw outage;
  }

  async #embedIn(
    space: OpenSpace,
    { examples, signal }: Question,
    isFallback: boolean,
  ): Promise<EmbeddedQuestion> {
    const vectors = await vectorsIn(space, { examples, signal, embedder: this.#embedder });
    return { space, isFallback, vectors };
  }

  /** The space to fall back on, when a vector of the question was made in it. */
  async #namedFallback({ examples, signal }: Question): Promise<OpenSpace | null> {
    if (!examples.some(({ kind }) => kind === 'vector')) return null;
    const space = await untilAborted(this.#openFallback(), signal).catch(() => null);
    const isNamed = examples.some(
      (example) => example.kind === 'vector' && example.spaceId === space?.provider.space.id,
    );
    return isNamed ? space : null;
  }

  async #openFallback(): Promise<OpenSpace | null> {
    return (await this.#spaces.getFallback?.()) ?? null;
  }

  /** Whether the question cannot be answered by what is stored and remembered. */
  async #isNeeded(provider: EmbeddingProvider, { examples, signal }: Question): Promise<boolean> {
    const images = examples.filter((example) => example.kind === 'image');
    if (!this.#embedder.hasTexts(textsOf(examples), provider)) return true;
    return !(await this.#embedder.hasImages(images, provider, signal));
  }

  async #withPatience<T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const ended = new AbortController();
    const patience = new AbortController();
    void this.#clock.wait(PATIENCE_MS, ended.signal).then(() => {
      patience.abort(timeoutReason('The provider took too long.'));
    });
    try {
      return await work(signal ? AbortSignal.any([signal, patience.signal]) : patience.signal);
    } finally {
      ended.abort();
    }
  }
}

function subjectOf(provider: EmbeddingProvider): OutageSubject {
  return {
    id: provider.space.id,
    isWell: async (signal) => (await provider.checkHealth({ signal })).ok,
  };
}
