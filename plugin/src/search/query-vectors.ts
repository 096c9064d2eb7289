import type { OpenSpace } from '../active-space';
import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import { untilAborted } from './abortion';
import { lengthOf } from './composition';
import type { ExampleVector } from './contract';
import type { QueryEmbedder } from './query-embedder';
import { vectorOfText, type TextVectors } from './query-texts';
import type { EmbeddableExample } from './url-examples';

/** One vector of the space for each example, in their order. Fails as the provider and the store do. */
export async function vectorsIn(
  space: OpenSpace,
  question: {
    examples: readonly EmbeddableExample[];
    embedder: QueryEmbedder;
    signal: AbortSignal | undefined;
  },
): Promise<Float32Array[]> {
  const { embedder, examples, signal } = question;
  // Texts together, for a call embeds many as fast as one; the rest one by one.
  const byText = embedder.embedTexts(textsOf(examples), space.provider, signal);
  const vectorOf = async (example: EmbeddableExample): Promise<Float32Array> => {
    switch (example.kind) {
      case 'text':
        return vectorOfText(example.text, await byText);
      case 'image':
        return embedder.embedImage(example, space.provider, signal);
      case 'file':
        return vectorOfFile(example.fileId, space);
      case 'vector':
        return toQueryVector(example, space.provider.space);
    }
  };
  const work: Promise<[TextVectors, ...Float32Array[]]> = Promise.all([
    byText,
    ...examples.map(vectorOf),
  ]);
  const [, ...vectors] = await untilAborted(work, signal);
  return vectors;
}

export function textsOf(examples: readonly EmbeddableExample[]): string[] {
  return examples.flatMap((example) => (example.kind === 'text' ? [example.text] : []));
}

async function vectorOfFile(fileId: number, space: OpenSpace): Promise<Float32Array> {
  const [point] = await space.collection.getMany([fileId]);
  if (point) return point.vector;
  throw new ImageSearchError({
    code: 'not-ready',
    message: `File ${String(fileId)} is not indexed: it is no picture, still waiting, or could not be read.`,
    retryable: true,
  });
}

function toQueryVector(example: ExampleVector, space: VectorSpace): Float32Array {
  if (example.spaceId !== space.id) {
    throw new ImageSearchError({
      code: 'space-mismatch',
      message: `The vector was made in the space "${example.spaceId}", but "${space.id}" answers. Embed the query again.`,
      retryable: false,
    });
  }
  const hasDimensions = example.vector.length === space.dimensions;
  const length = hasDimensions ? lengthOf(example.vector) : 0;
  if (!Number.isFinite(length) || length === 0) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: `vector: must be ${String(space.dimensions)} finite numbers, not all zero; given: ${String(example.vector.length)} numbers.`,
      retryable: false,
    });
  }
  return example.vector.map((value) => value / length);
}
