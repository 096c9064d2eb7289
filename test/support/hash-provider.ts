import { createHash } from 'node:crypto';
import {
  unlimitedQuota,
  type EmbeddingCallOptions,
  type EmbeddingLimits,
  type EmbeddingProvider,
  type ProviderHealth,
} from '../../plugin/src/embedding/contract';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import { abortedError } from '../../plugin/src/errors';
import type { ImagePreparation, PreparedImage } from '../../plugin/src/images/contract';
import { toUnitLength } from './random-vectors';

type Input = { image: PreparedImage } | { text: string };

export interface HashProviderOptions {
  /** Told apart from other models by this name. */
  model?: string;
  limits?: Partial<EmbeddingLimits>;
}

const DIMENSIONS = 8;

/**
 * A provider whose vectors are the hash of their input: equal inputs have equal vectors, and that is all it
 * understands. It notes its calls, and `onCall` may hold them up or make them fail.
 */
export class HashProvider implements EmbeddingProvider {
  readonly space;
  readonly limits: EmbeddingLimits;
  readonly imagePreparation: ImagePreparation = {
    kind: 'pixels',
    resize: { mode: 'none' },
    kernel: 'nearest',
  };
  closeScore: number | null = null;
  /** Number of images of every call that was made. */
  readonly imageCalls: number[] = [];
  /** Texts of every call that was made. */
  readonly textCalls: string[][] = [];
  disposals = 0;
  #onDispose: () => void = () => undefined;
  /** Runs within each call; what it throws the call fails with. */
  onCall: (inputs: readonly Input[], signal: AbortSignal | undefined) => Promise<void> | void =
    () => undefined;

  constructor({ model = 'hash', limits = {} }: HashProviderOptions = {}) {
    this.space = createVectorSpace({
      provider: 'hash',
      model,
      dimensions: DIMENSIONS,
      preprocessing: 'none',
    });
    this.limits = {
      imagesPerCall: 4,
      textsPerCall: 4,
      concurrentCalls: 1,
      bytesPerImage: Infinity,
      pixelsPerImage: Infinity,
      mimeTypes: [],
      ...unlimitedQuota,
      tokensPerImage: 0,
      ...limits,
    };
  }

  async embedImages(
    images: readonly PreparedImage[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    this.imageCalls.push(images.length);
    const inputs = images.map((image) => ({ image }));
    await this.#call(inputs, this.limits.imagesPerCall, signal);
    return images.map((image) => hashVector(image.data));
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    this.textCalls.push([...texts]);
    const inputs = texts.map((text) => ({ text }));
    await this.#call(inputs, this.limits.textsPerCall, signal);
    return texts.map((text) => hashVector(Buffer.from(text)));
  }

  /** Embeds a text, as real providers do: `onCall` makes it fail, too. */
  async checkHealth(options: EmbeddingCallOptions = {}): Promise<ProviderHealth> {
    try {
      await this.embedTexts(['health'], options);
      return { ok: true, message: 'The hash answers.' };
    } catch {
      return { ok: false, message: 'The hash does not answer.' };
    }
  }

  /** Resolves with the next disposal. */
  untilDisposed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDispose = resolve;
    });
  }

  dispose(): Promise<void> {
    this.disposals += 1;
    this.#onDispose();
    return Promise.resolve();
  }

  async #call(
    inputs: readonly Input[],
    most: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (inputs.length > most) {
      throw new RangeError(`At most ${String(most)} inputs, got ${String(inputs.length)}.`);
    }
    if (signal?.aborted) throw abortedError(signal.reason);
    await this.onCall(inputs, signal);
    if (signal?.aborted) throw abortedError(signal.reason);
  }
}

/** The vector that the provider has for these bytes: of pixels, or of a text in UTF-8. */
export function hashVector(data: Uint8Array): Float32Array {
  const digest = createHash('sha256').update(data).digest();
  return toUnitLength(
    Array.from({ length: DIMENSIONS }, (_, index) => digest.readInt32BE(4 * index)),
  );
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else
      signal?.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
