import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type {
  DuplicateEvidence,
  DuplicatePairView,
} from '../../../plugin/src/contracts/duplicates';
import type { DuplicatePair, DuplicateVerdict } from '../../../plugin/src/duplicates/contract';
import { chunksOf } from '../usage/database-tables';

const ADMIN_USER_UID = 'admin::user';

const userSchema = z.object({
  id: z.number(),
  firstname: z.string().nullish(),
  lastname: z.string().nullish(),
  username: z.string().nullish(),
});

/** Ids of the files that the evidence names `one` and `other`; null for a picture that is no file. */
export interface ComparedFiles {
  one: number | null;
  other: number;
}

export function toEvidence(verdict: DuplicateVerdict, files: ComparedFiles): DuplicateEvidence {
  switch (verdict.kind) {
    case 'identical':
      return {};
    case 'same-picture': {
      const { fingerprintDistance, correlation } = verdict;
      return { fingerprintDistance, correlation };
    }
    case 'variant': {
      const { similarity, fingerprintDistance, alignment } = verdict;
      const { correlation, inner, isMirrored, region } = alignment;
      return {
        ...{ similarity, fingerprintDistance, correlation },
        alignment: { innerFileId: files[inner], isMirrored, region },
      };
    }
  }
}

/** How alike the two are where one lies on the other, -1 to 1; 1 for the same bytes. */
export function scoreOf(verdict: DuplicateVerdict): number {
  switch (verdict.kind) {
    case 'identical':
      return 1;
    case 'same-picture':
      return verdict.correlation;
    case 'variant':
      return verdict.alignment.correlation;
  }
}

/** What the panel is told of these pairs, in their order. */
export async function toPairViews(
  strapi: Core.Strapi,
  pairs: readonly DuplicatePair[],
): Promise<DuplicatePairView[]> {
  const names = await findNames(strapi, pairs);
  return pairs.map(({ id, fileA, fileB, verdict, status, foundAt, decidedBy, decidedAt }) => {
    const name = decidedBy === null ? undefined : names.get(decidedBy);
    const by = decidedBy === null || name === undefined ? null : { id: decidedBy, name };
    return {
      ...{ id, fileA, fileB, kind: verdict.kind, status },
      evidence: toEvidence(verdict, { one: fileA, other: fileB }),
      foundAt: foundAt.toISOString(),
      decision: decidedAt && { at: decidedAt.toISOString(), by },
    };
  });
}

/** By the id of an administrator; those who are gone are left out. */
async function findNames(
  strapi: Core.Strapi,
  pairs: readonly DuplicatePair[],
): Promise<Map<number, string>> {
  const ids = new Set(pairs.flatMap(({ decidedBy }) => decidedBy ?? []));
  const names = new Map<number, string>();
  for (const some of chunksOf(ids)) {
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
