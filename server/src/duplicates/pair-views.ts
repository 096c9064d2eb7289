import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type {
  DuplicateEvidence,
  DuplicatePairView,
  DuplicateGroupView,
} from '../../../plugin/src/contracts/duplicates';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import type { GroupPage } from '../../../plugin/src/duplicates/groups';
import type { DuplicateVerdict, PixelEvidence } from '../../../plugin/src/matching/contract';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import type { FileView } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';
import { chunksOf } from '../usage/database-tables';

const ADMIN_USER_UID = 'admin::user';

const userSchema = z.object({
  id: z.number(),
  firstname: z.string().nullish(),
  lastname: z.string().nullish(),
  username: z.string().nullish(),
});

/** Ids of the files that the evidence calls `one` and `other`; null for an image that isn't a file. */
interface ComparedFiles {
  one: number | null;
  other: number;
}

export function toEvidence(verdict: DuplicateVerdict, files: ComparedFiles): DuplicateEvidence {
  switch (verdict.kind) {
    case 'identical':
      return {};
    case 'same-image': {
      const { fingerprintDistance, correlation } = verdict;
      return { fingerprintDistance, correlation };
    }
    case 'edited': {
      const { similarity, fingerprintDistance, alignment } = verdict;
      const { correlation, degrees = 0, inner, isMirrored, quarterTurns = 0, region } = alignment;
      return {
        ...(similarity !== null && { similarity }),
        fingerprintDistance,
        correlation,
        alignment: {
          innerFileId: files[inner],
          isMirrored,
          region,
          ...(quarterTurns !== 0 && { quarterTurns }),
          ...(degrees !== 0 && { degrees }),
        },
        ...(verdict.pixels && { differences: differencesOf(verdict.pixels, files) }),
      };
    }
  }
}

function differencesOf(
  { differences }: PixelEvidence,
  files: ComparedFiles,
): NonNullable<DuplicateEvidence['differences']> {
  return (['one', 'other'] as const).flatMap((side) =>
    differences[side].map((box) => ({ fileId: files[side], ...box })),
  );
}

/** Correlation of the two images where they overlap, -1 to 1; 1 for identical files. */
export function scoreOf(verdict: DuplicateVerdict): number {
  switch (verdict.kind) {
    case 'identical':
      return 1;
    case 'same-image':
      return verdict.correlation;
    case 'edited':
      return verdict.alignment.correlation;
  }
}

/** The pairs as the panel gets them, in the given order. */
export async function toPairViews(
  strapi: Core.Strapi,
  pairs: readonly DuplicatePair[],
): Promise<DuplicatePairView[]> {
  const names = await findAdministrators(
    strapi,
    pairs.flatMap(({ reviewedBy }) => reviewedBy ?? []),
  );
  return pairs.map(({ id, fileA, fileB, verdict, status, foundAt, reviewedBy, reviewedAt }) => {
    const name = reviewedBy === null ? undefined : names.get(reviewedBy);
    const by = reviewedBy === null || name === undefined ? null : { id: reviewedBy, name };
    return {
      id,
      fileA,
      fileB,
      kind: verdict.kind,
      status,
      evidence: toEvidence(verdict, { one: fileA, other: fileB }),
      foundAt: foundAt.toISOString(),
      review: reviewedAt && { at: reviewedAt.toISOString(), by },
    };
  });
}

/** Names by administrator id; deleted administrators are missing. */
export async function findAdministrators(
  strapi: Core.Strapi,
  ids: readonly number[],
): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  for (const some of chunksOf(new Set(ids))) {
    const found: unknown[] = await strapi.db
      .query(ADMIN_USER_UID)
      .findMany({ where: { id: { $in: some } } });
    for (const { id, firstname, lastname, username } of found.map((row) => userSchema.parse(row))) {
      const fullName = [firstname, lastname].filter(Boolean).join(' ');
      names.set(id, fullName || (username ?? `User ${String(id)}`));
    }
  }
  return names;
}

/** The groups as the panel gets them, in the given order, without files that were deleted since they were read. */
export async function toGroupViews(
  strapi: Core.Strapi,
  visible: Pick<VisibleFiles<FileView>, 'load'>,
  { groups }: GroupPage,
): Promise<DuplicateGroupView[]> {
  const fileIds = groups.flatMap(({ representative, members }) => [representative, ...members]);
  const files = await visible.load([...new Set(fileIds)]);
  const pairs = await toPairViews(
    strapi,
    groups.flatMap((group) => group.pairs),
  );
  const views = new Map(pairs.map((pair) => [pair.id, pair]));
  return groups.flatMap((group) => {
    const shown = group.pairs
      .flatMap(({ id }) => views.get(id) ?? [])
      .filter(
        ({ fileA, fileB, status }) => status === 'merged' || (files.has(fileA) && files.has(fileB)),
      );
    const [newest] = shown;
    if (!newest) return [];
    const { representative, members, hasMore } = group;
    return [
      {
        id: newest.id,
        representativeId: representative,
        files: [representative, ...members].flatMap((id) => files.get(id) ?? []),
        pairs: shown,
        hasMore,
      },
    ];
  });
}

/**
 * The pairs that a caller can see: both files are visible, or, in a merged pair, the file that was kept.
 */
export async function keepVisiblePairs(
  strapi: Core.Strapi,
  visible: Pick<VisibleFiles<unknown>, 'filterReadable'>,
  pairs: readonly DuplicatePair[],
): Promise<DuplicatePair[]> {
  const readable = await visible.filterReadable(filesOf(pairs));
  const hidden = filesOf(pairs.filter(({ status }) => status === 'merged')).filter(
    (id) => !readable.has(id),
  );
  const existing = await findExisting(strapi, hidden);
  return pairs.filter(({ fileA, fileB, status }) => {
    const files = [fileA, fileB];
    if (status !== 'merged') return files.every((id) => readable.has(id));
    return files.some((id) => readable.has(id)) && !files.some((id) => existing.has(id));
  });
}

/** Which of these ids are files, visible or not. */
export async function findExisting(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<Set<number>> {
  const existing = new Set<number>();
  for (const ids of chunksOf(fileIds)) {
    const rows: { id: number }[] = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { id: { $in: ids } }, select: ['id'] });
    for (const { id } of rows) existing.add(id);
  }
  return existing;
}

function filesOf(pairs: readonly Pick<DuplicatePair, 'fileA' | 'fileB'>[]): number[] {
  return [...new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]))];
}
