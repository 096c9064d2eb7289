import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type {
  DuplicatePair,
  DuplicatePairs,
  FoundPair,
} from '../../plugin/src/duplicates/contract';
import { swapSides } from '../../plugin/src/duplicates/pixel-confirmation';
import { createDuplicatePairs, verdictSchema } from './repositories/duplicate-pairs';
import { keepReview, listReviews } from './repositories/duplicate-reviews';
import { createImageTraces } from './repositories/image-traces';
import { listAllUsage, raiseUsage, usageRecordSchema } from './repositories/usage-records';

const PAGE = 500;
/** Files with the same bytes that a review is applied to. */
const MAX_COPIES = 100;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256');

const ignoredPairSchema = z.object({
  /** SHA-256 of each file's bytes; the verdict calls the first one `one`. */
  contentHashes: z.tuple([hash, hash]),
  /** Null for a pair of which a file is gone. */
  verdict: verdictSchema.nullable(),
  reviewedAt: z.iso.datetime().nullable(),
});

/** What only reviewers know of a library, and what was paid. Nothing in it depends on the ids of a database. */
export const reviewsFileSchema = z.object({
  format: z.literal('strapi-plugin-image-search/reviews'),
  version: z.literal(1, 'must be 1: update strapi-plugin-image-search to import this file'),
  exportedAt: z.iso.datetime(),
  ignoredPairs: z.array(ignoredPairSchema),
  usage: z.array(usageRecordSchema),
});

export type ReviewsFile = z.output<typeof reviewsFileSchema>;
type IgnoredPair = z.output<typeof ignoredPairSchema>;

export async function exportReviews(strapi: Core.Strapi): Promise<ReviewsFile> {
  const pairs = createDuplicatePairs(strapi);
  const ignoredPairs: IgnoredPair[] = [];
  let cursor: number | null = null;
  do {
    const page: Awaited<ReturnType<typeof pairs.list>> = await pairs.list({
      status: 'ignored',
      cursor,
      limit: PAGE,
    });
    for (const { contentHashA, contentHashB, reviewedAt, verdict } of page.pairs) {
      ignoredPairs.push({
        contentHashes: [contentHashA, contentHashB],
        verdict,
        reviewedAt: reviewedAt?.toISOString() ?? null,
      });
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  const listed = new Set(ignoredPairs.map(keyOf));
  for (const { contentHashes, reviewedAt } of await listReviews(strapi)) {
    if (listed.has(keyOf({ contentHashes }))) continue;
    ignoredPairs.push({ contentHashes, verdict: null, reviewedAt: reviewedAt.toISOString() });
  }
  return {
    format: 'strapi-plugin-image-search/reviews',
    version: 1,
    exportedAt: new Date().toISOString(),
    ignoredPairs,
    usage: await listAllUsage(strapi),
  };
}

export interface ImportReport {
  /** ReviewsFile that hold in this database now, new or not. */
  placed: number;
  /** Kept for later: reviews of bytes that no file of this library is known to have yet. */
  unplaced: ReviewsFile['ignoredPairs'];
  /** Months and models. */
  usageRecords: number;
}

/**
 * Ignores the pairs of files that have these bytes, also those that were reopened since the export, and raises usage to
 * what it was. Importing twice changes nothing more; usage above that of the file stays.
 */
export async function importReviews(
  strapi: Core.Strapi,
  { ignoredPairs, usage }: ReviewsFile,
): Promise<ImportReport> {
  const unplaced: IgnoredPair[] = [];
  for (const pair of ignoredPairs) {
    if (await ignorePair(strapi, pair)) continue;
    await keepReview(strapi, {
      contentHashes: pair.contentHashes,
      reviewedAt: reviewedAtOf(pair),
    });
    unplaced.push(pair);
  }
  for (const record of usage) await raiseUsage(strapi, record);
  return {
    placed: ignoredPairs.length - unplaced.length,
    unplaced,
    usageRecords: usage.length,
  };
}

function keyOf({ contentHashes }: Pick<IgnoredPair, 'contentHashes'>): string {
  return [...contentHashes].sort().join(' ');
}

function reviewedAtOf({ reviewedAt }: IgnoredPair): Date {
  return reviewedAt === null ? new Date() : new Date(reviewedAt);
}

/** Returns whether there are two files with these bytes that are a pair. */
async function ignorePair(strapi: Core.Strapi, pair: IgnoredPair): Promise<boolean> {
  const { verdict } = pair;
  const pairs = createDuplicatePairs(strapi);
  const traces = createImageTraces(strapi);
  const [ones, others] = await Promise.all(
    pair.contentHashes.map((contentHash) => traces.withContentHash(contentHash, MAX_COPIES)),
  );
  const found = (ones ?? []).flatMap((one) =>
    (others ?? []).filter((other) => other !== one).map((other): [number, number] => [one, other]),
  );
  let isPlaced = false;
  for (const [one, other] of found) {
    if (verdict !== null) {
      const each = toFoundPair({ ...pair, verdict }, one, other);
      await pairs.record([{ fileId: each.fileA, contentHash: each.contentHashA, pairs: [each] }]);
    }
    const [open, ignored] = await Promise.all(
      (['open', 'ignored'] as const).map((status) => findPair(pairs, status, one, other)),
    );
    const reviewedAt = reviewedAtOf(pair);
    if (open) await pairs.review(open.id, { status: 'ignored', userId: null, reviewedAt });
    isPlaced ||= open !== undefined || ignored !== undefined;
  }
  return isPlaced;
}

async function findPair(
  pairs: DuplicatePairs,
  status: 'open' | 'ignored',
  one: number,
  other: number,
): Promise<DuplicatePair | undefined> {
  const touching = await pairs.pairsTouching({ fileIds: [one], status, limit: PAGE });
  return touching.find(({ fileA, fileB }) => fileA === other || fileB === other);
}

/** The lower id comes first, which turns the evidence around. */
function toFoundPair(
  {
    contentHashes: [oneHash, otherHash],
    verdict,
  }: Pick<FoundPair, 'verdict'> & Pick<IgnoredPair, 'contentHashes'>,
  one: number,
  other: number,
): FoundPair {
  if (one < other) {
    return {
      fileA: one,
      fileB: other,
      contentHashA: oneHash,
      contentHashB: otherHash,
      verdict,
    };
  }
  return {
    fileA: other,
    fileB: one,
    contentHashA: otherHash,
    contentHashB: oneHash,
    verdict: swapSides(verdict),
  };
}
