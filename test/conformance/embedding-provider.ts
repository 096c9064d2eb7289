import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { icons as noto } from '@iconify-json/noto';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import { ImageSearchError } from '../../plugin/src/errors';
import type { ImagePreparation, PreparedImage } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';

export interface OpenedProvider {
  provider: EmbeddingProvider;
  /** Frees what the harness opened around the provider; the suite itself disposes the provider first. */
  close: () => Promise<void>;
}

/** Ways in which a model's answer can be spoilt. */
export const answerFaults = ['wrong-length', 'not-finite', 'zero'] as const;
export type AnswerFault = (typeof answerFaults)[number];

/**
 * How the suite gets hold of an implementation. What it cannot provoke is left out: the suite then shows those tests
 * as skipped.
 */
export interface EmbeddingProviderHarness {
  /** A provider that works, on a model that knows emoji images and their English names. */
  open: () => Promise<OpenedProvider>;
  /** A provider whose model spoils every vector in this way. */
  openSpoilt?: (fault: AnswerFault) => Promise<OpenedProvider>;
  /** A provider whose model refuses `rejectedText` and takes any other. */
  openRejecting?: () => Promise<OpenedProvider>;
  /** A provider whose model cannot be reached, or died, by the time that it is first asked. */
  openUnavailable?: () => Promise<OpenedProvider>;
}

/** What a provider opened by `openRejecting` refuses. */
export const rejectedText = 'a text that the model refuses';

/** Emoji by the name that each has in the Noto set. */
const samples = [
  { icon: 'dog-face', text: 'dog' },
  { icon: 'banana', text: 'banana' },
  { icon: 'automobile', text: 'car' },
  { icon: 'airplane', text: 'airplane' },
  { icon: 'guitar', text: 'guitar' },
  { icon: 'umbrella', text: 'umbrella' },
] as const;

const texts = samples.map((sample) => sample.text);

/** The contract of EmbeddingProvider, as tests that each implementation runs. */
export function describeEmbeddingProvider(name: string, harness: EmbeddingProviderHarness): void {
  describe(`embedding provider: ${name}`, () => {
    describe('that works', () => {
      const opened = openForSuite(() => harness.open());
      let images: PreparedImage[] = [];
      beforeAll(async () => {
        images = await renderSamples(opened.provider);
      });

      describePromises(() => opened.provider);
      describeEmbedding('embedTexts', () => ({
        inputs: texts,
        perCall: opened.provider.limits.textsPerCall,
        dimensions: opened.provider.space.dimensions,
        embed: (inputs, options) => opened.provider.embedTexts(inputs, options),
      }));
      describeEmbedding('embedImages', () => ({
        inputs: images,
        perCall: opened.provider.limits.imagesPerCall,
        dimensions: opened.provider.space.dimensions,
        embed: (inputs, options) => opened.provider.embedImages(inputs, options),
      }));
      describeUnderstanding(
        () => opened.provider,
        () => images,
      );
    });
    describeDisposal(harness);
    describeFailures(harness);
  });
}

/** Opens before the tests of the surrounding `describe` and closes after them. */
function openForSuite(open: () => Promise<OpenedProvider>): {
  readonly provider: EmbeddingProvider;
} {
  let opened: OpenedProvider | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => {
    await opened?.provider.dispose();
    await opened?.close();
  });
  return {
    get provider() {
      if (opened === undefined) throw new Error('The provider is not open yet.');
      return opened.provider;
    },
  };
}

function describePromises(provider: () => EmbeddingProvider): void {
  it('has a space whose id is derived from its other fields and contains no path', () => {
    const { id, ...parts } = provider().space;
    expect(id).toBe(createVectorSpace(parts).id);
    expect(id).toMatch(/^[a-z0-9-]{1,100}$/);
    expect(parts.dimensions).toBeGreaterThan(0);
    expect(parts.model).not.toMatch(/^[./~\\]|^[a-z]:\\/i);
    expect(parts.preprocessing).not.toBe('');
  });

  it('has usable limits', () => {
    const { limits } = provider();
    for (const limit of [limits.imagesPerCall, limits.textsPerCall, limits.concurrentCalls]) {
      expect(Number.isInteger(limit) && limit > 0).toBe(true);
    }
    for (const limit of [limits.bytesPerImage, limits.pixelsPerImage]) {
      expect(limit).toBeGreaterThan(0);
    }
  });

  it('requests images in an encoding that it accepts, or pixels', () => {
    const { imagePreparation, limits } = provider();
    const wanted = imagePreparation.kind === 'encoded' ? [imagePreparation.mimeType] : [];
    expect(limits.mimeTypes).toEqual(expect.arrayContaining(wanted));
    if (imagePreparation.kind === 'pixels') expect(limits.mimeTypes).toEqual([]);
  });

  it('is healthy', async () => {
    const health = await provider().checkHealth();
    expect(health).toEqual({ ok: true, message: expect.any(String) });
    expect(health.message).not.toBe('');
  });

  it('answers an aborted health check', async () => {
    const health = await provider().checkHealth({ signal: AbortSignal.abort() });
    expect(typeof health.ok).toBe('boolean');
  });
}

interface EmbeddingCall<Input> {
  inputs: readonly Input[];
  perCall: number;
  dimensions: number;
  embed: (inputs: readonly Input[], options?: { signal?: AbortSignal }) => Promise<Float32Array[]>;
}

function describeEmbedding<Input>(name: string, call: () => EmbeddingCall<Input>): void {
  describe(name, () => {
    it('returns one unit-length vector of the space for every input', async () => {
      const { inputs, perCall, dimensions, embed } = call();
      const some = inputs.slice(0, perCall);
      const vectors = await embed(some);
      expect(vectors).toHaveLength(some.length);
      for (const vector of vectors) {
        expect(vector).toBeInstanceOf(Float32Array);
        expect(vector).toHaveLength(dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }
    });

    it('returns in the order of the inputs', async () => {
      const alone = await embedOneByOne(call());
      const together = await embedInFullCalls(call());
      expect(together.map((vector) => indexOfNearest(vector, alone))).toEqual(
        together.map((_, index) => index),
      );
    });

    it('returns an empty list for an empty list', async () => {
      await expect(call().embed([])).resolves.toEqual([]);
    });

    it('accepts the same input twice', async () => {
      const { inputs, perCall, embed } = call();
      const repeated = [first(inputs), first(inputs)];
      const [one, two] =
        perCall > 1
          ? await embed(repeated)
          : [...(await embed([first(inputs)])), ...(await embed([first(inputs)]))];
      expect(dotProduct(defined(one), defined(two))).toBeGreaterThan(0.999);
    });

    it('serves concurrent calls', async () => {
      const { inputs, embed } = call();
      const alone = await embedOneByOne(call());
      const overlapping = await Promise.all(inputs.map((input) => embed([input])));
      expect(overlapping.map(([vector]) => indexOfNearest(defined(vector), alone))).toEqual(
        inputs.map((_, index) => index),
      );
    });

    it('throws a RangeError for more inputs than its limit', async () => {
      const { inputs, perCall, embed } = call();
      const tooMany = Array.from({ length: perCall + 1 }, () => first(inputs));
      await expect(async () => embed(tooMany)).rejects.toThrow(RangeError);
    });

    it('rejects with `aborted` if aborted before the call', async () => {
      const { inputs, embed } = call();
      await expect(embed([first(inputs)], { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'aborted',
      });
    });

    it('rejects with `aborted` if aborted during the call, and keeps working', async () => {
      const { inputs, embed } = call();
      const controller = new AbortController();
      const aborted = embed([first(inputs)], { signal: controller.signal });
      controller.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
      await expect(embed([first(inputs)])).resolves.toHaveLength(1);
    });
  });
}

function describeUnderstanding(
  provider: () => EmbeddingProvider,
  images: () => readonly PreparedImage[],
): void {
  it('puts every text closer to its image than to the others', async () => {
    const { limits } = provider();
    const textVectors = await embedInFullCalls({
      inputs: texts,
      perCall: limits.textsPerCall,
      embed: (inputs) => provider().embedTexts(inputs),
    });
    const imageVectors = await embedInFullCalls({
      inputs: images(),
      perCall: limits.imagesPerCall,
      embed: (inputs) => provider().embedImages(inputs),
    });
    expect(textVectors.map((vector) => texts[indexOfNearest(vector, imageVectors)])).toEqual(texts);
  });
}

function describeDisposal(harness: EmbeddingProviderHarness): void {
  it('can be disposed twice, and still answers health checks', async () => {
    const { provider, close } = await harness.open();
    await provider.dispose();
    await provider.dispose();
    await expect(provider.checkHealth()).resolves.toMatchObject({ message: expect.any(String) });
    await close();
  });

  it('rejects pending calls with `aborted` when disposed', async () => {
    const { provider, close } = await harness.open();
    const [image] = await renderSamples(provider);
    const underWay = Promise.allSettled([
      provider.embedTexts(['dog']),
      provider.embedImages([defined(image)]),
    ]);
    await provider.dispose();
    const aborted = { status: 'rejected', reason: expect.objectContaining({ code: 'aborted' }) };
    expect(await underWay).toEqual([aborted, aborted]);
    await close();
  });
}

function describeFailures({
  openSpoilt,
  openRejecting,
  openUnavailable,
}: EmbeddingProviderHarness): void {
  describe.each(answerFaults)('whose model returns vectors that are %s', (fault) => {
    // A text may be unknown to a model; an image always shows something.
    const textFailure = fault === 'zero' ? 'text-unknown' : 'provider-bad-answer';
    itIfGiven(openSpoilt, `rejects texts with \`${textFailure}\``, async (open) => {
      const { provider, close } = await open(fault);
      await expect(provider.embedTexts(['dog'])).rejects.toMatchObject({ code: textFailure });
      await provider.dispose();
      await close();
    });

    itIfGiven(openSpoilt, 'rejects images with `provider-bad-answer`', async (open) => {
      const { provider, close } = await open(fault);
      const [image] = await renderSamples(provider);
      await expect(provider.embedImages([defined(image)])).rejects.toMatchObject({
        code: 'provider-bad-answer',
      });
      await provider.dispose();
      await close();
    });
  });

  itIfGiven(
    openRejecting,
    'rejects a whole call with `provider-rejected-input` when one input is to blame',
    async (open) => {
      const { provider, close } = await open();
      const inputs = ['dog', rejectedText].slice(-provider.limits.textsPerCall);
      await expect(provider.embedTexts(inputs)).rejects.toMatchObject({
        code: 'provider-rejected-input',
        retryable: false,
      });
      await expect(provider.embedTexts(['dog'])).resolves.toHaveLength(1);
      await provider.dispose();
      await close();
    },
  );

  itIfGiven(
    openUnavailable,
    'rejects with a retryable `provider-unavailable`, and fails its health check, when unreachable',
    async (open) => {
      const { provider, close } = await open();
      const failed = provider.embedTexts(['dog']);
      await expect(failed).rejects.toBeInstanceOf(ImageSearchError);
      await expect(failed).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
      await expect(provider.checkHealth()).resolves.toMatchObject({ ok: false });
      await provider.dispose();
      await close();
    },
  );
}

/** A test that there is only where the harness can provoke what it is about. */
function itIfGiven<Open>(
  open: Open | undefined,
  name: string,
  test: (open: Open) => Promise<void>,
): void {
  if (open !== undefined) it(name, () => test(open));
}

/** By preparation: most providers want the same, and drawing takes longer than their answers. */
const renderedSamples = new Map<string, Promise<PreparedImage[]>>();

/** The sample images as this provider wants them, in the order of `texts`. */
function renderSamples({ imagePreparation }: EmbeddingProvider): Promise<PreparedImage[]> {
  const key = JSON.stringify(imagePreparation);
  const rendered = renderedSamples.get(key) ?? prepareSamples(imagePreparation);
  renderedSamples.set(key, rendered);
  return rendered;
}

function prepareSamples(preparation: ImagePreparation): Promise<PreparedImage[]> {
  const reader = createImageReader({ maxBytes: 1e6, maxPixels: 1e7, timeoutMs: 30_000 });
  return Promise.all(
    samples.map(async ({ icon }) => {
      const { prepared } = await reader.read(sampleImage(icon), { preparation });
      return prepared;
    }),
  );
}

/** An SVG file of the Noto emoji set (Apache-2.0). */
function sampleImage(icon: string): Uint8Array {
  const { body } = defined(noto.icons[icon]);
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128" viewBox="0 0 128 128">${body}</svg>`,
  );
}

type CallOf<Input> = Pick<EmbeddingCall<Input>, 'inputs' | 'perCall' | 'embed'>;

async function embedInFullCalls<Input>({
  inputs,
  perCall,
  embed,
}: CallOf<Input>): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let start = 0; start < inputs.length; start += perCall) {
    vectors.push(...(await embed(inputs.slice(start, start + perCall))));
  }
  return vectors;
}

function embedOneByOne<Input>(call: CallOf<Input>): Promise<Float32Array[]> {
  return embedInFullCalls({ ...call, perCall: 1 });
}

function indexOfNearest(vector: Float32Array, candidates: readonly Float32Array[]): number {
  const scores = candidates.map((candidate) => dotProduct(vector, candidate));
  return scores.indexOf(Math.max(...scores));
}

function dotProduct(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? Number.NaN), 0);
}

function first<Value>(values: readonly Value[]): Value {
  return defined(values[0]);
}

function defined<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The suite expected a value here.');
  return value;
}
