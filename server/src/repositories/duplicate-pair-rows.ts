import { z } from 'zod';
import {
  duplicateKinds,
  pairStatuses,
  type DuplicatePair,
  type DuplicateVerdict,
} from '../../../plugin/src/duplicates/contract';

const alignmentSchema = z.object({
  inner: z.enum(['one', 'other']),
  isMirrored: z.boolean(),
  region: z.object({
    left: z.number(),
    top: z.number(),
    width: z.number(),
    height: z.number(),
  }),
  covered: z.number(),
  matching: z.number(),
  correlation: z.number(),
});

const verdictSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('identical') }),
  z.object({
    kind: z.literal('same-picture'),
    fingerprintDistance: z.number(),
    correlation: z.number(),
    largestDifference: z.number(),
  }),
  z.object({
    kind: z.literal('variant'),
    similarity: z.number(),
    fingerprintDistance: z.number(),
    alignment: alignmentSchema,
  }),
]) satisfies z.ZodType<DuplicateVerdict>;

const rowSchema = z.object({
  id: z.number(),
  fileA: z.number(),
  fileB: z.number(),
  contentHashA: z.string(),
  contentHashB: z.string(),
  kind: z.enum(duplicateKinds),
  cluster: z.number(),
  evidence: z.record(z.string(), z.unknown()),
  status: z.enum(pairStatuses),
  foundAt: z.coerce.date(),
  decidedBy: z.number().nullable(),
  decidedAt: z.coerce.date().nullable(),
});

/** A row as Strapi reads it → the pair. */
export function toPair(row: unknown): DuplicatePair {
  const { kind, evidence, ...pair } = rowSchema.parse(row);
  return { ...pair, verdict: verdictSchema.parse({ ...evidence, kind }) };
}

/** A verdict → the two attributes that keep it. */
export function toVerdictColumns({ kind, ...evidence }: DuplicateVerdict) {
  return { kind, evidence };
}
