import type { QdrantClient } from '@qdrant/js-client-rest';
import { z } from 'zod';
import type { VectorSpace } from '../../embedding/contract';
import type { QdrantConfig } from './config';

type CollectionBody = Omit<
  Parameters<ReturnType<QdrantClient['api']>['createCollection']>[0],
  'collection_name'
>;

/** Put into every collection that this product makes, so that it never takes or drops one of somebody else. */
const MAKER = 'strapi-plugin-image-search';

/**
 * Points of a segment that are compared one by one, which takes some milliseconds and misses none; the server's own
 * limit is a quarter of it with 512 dimensions, and less with more.
 */
const POINTS_WITHOUT_GRAPH = 20_000;
const BYTES_PER_NUMBER = 4;

/**
 * Of what is stored with a vector, what a search may be narrowed by; ids need no index. Hashes are looked up in
 * Strapi's database, and an index of them would take more memory than all others.
 */
export const payloadIndexes = {
  mimeType: 'keyword',
  extension: 'keyword',
  createdAt: 'datetime',
} as const;

const markerSchema = z.object({
  maker: z.literal(MAKER),
  space: z.object({
    id: z.string(),
    provider: z.string(),
    model: z.string(),
    dimensions: z.int().positive(),
    preprocessing: z.string(),
  }),
});

const vectorsSchema = z.object({ size: z.int(), distance: z.string() });

/** What a collection is made of; where the settings say nothing, the server decides. */
export function defineCollection(space: VectorSpace, config: QdrantConfig): CollectionBody {
  const { shards, replicas, writeConsistency, onDisk, hnsw } = config;
  const graph = {
    ...(hnsw.m !== undefined && { m: hnsw.m }),
    ...(hnsw.efConstruct !== undefined && { ef_construct: hnsw.efConstruct }),
    ...(onDisk && { on_disk: true }),
  };
  const { id, provider, model, dimensions, preprocessing } = space;
  return {
    vectors: { size: dimensions, distance: 'Cosine', ...(onDisk && { on_disk: true }) },
    ...(shards !== undefined && { shard_number: shards }),
    ...(replicas !== undefined && { replication_factor: replicas }),
    ...(writeConsistency !== undefined && { write_consistency_factor: writeConsistency }),
    ...(Object.keys(graph).length > 0 && { hnsw_config: graph }),
    optimizers_config: {
      // In kilobytes of vectors.
      indexing_threshold: Math.ceil((POINTS_WITHOUT_GRAPH * dimensions * BYTES_PER_NUMBER) / 1024),
    },
    ...defineQuantization(config),
    metadata: { maker: MAKER, space: { id, provider, model, dimensions, preprocessing } },
  };
}

function defineQuantization({
  quantization,
}: QdrantConfig): Pick<CollectionBody, 'quantization_config'> {
  switch (quantization) {
    case 'none':
      return {};
    case 'scalar':
      return { quantization_config: { scalar: { type: 'int8', always_ram: true } } };
    case 'binary':
      return { quantization_config: { binary: { always_ram: true } } };
  }
}

/** The space of a collection that this product made; null for any other. */
export function readSpace(metadata: unknown): VectorSpace | null {
  return markerSchema.safeParse(metadata).data?.space ?? null;
}

/** Why a collection that is there cannot hold this space; null when it can. */
export function findClash(
  found: { vectors: unknown; metadata: unknown },
  space: VectorSpace,
): string | null {
  const made = readSpace(found.metadata);
  if (made?.id !== space.id) return 'was not made by this plugin';
  const { data: vectors } = vectorsSchema.safeParse(found.vectors);
  const { size = made.dimensions, distance } = vectors ?? {};
  if (size !== space.dimensions) {
    return `has ${String(size)} dimensions, and the model has ${String(space.dimensions)}`;
  }
  if (distance === 'Cosine') return null;
  return `compares vectors by ${distance ?? 'several measures'}, not by Cosine`;
}
