import type { Core } from '@strapi/strapi';
import {
  isLossless,
  mergingLimits,
  type FileUse,
  type MergedFile,
  type MergeReport,
  type MergeWarning,
} from '../../../plugin/src/contracts/merging';
import type { LocatedUse } from '../usage/contract';
import { groupBy, chunksOf } from '../usage/database-tables';
import type { LibraryFile } from '../usage/library-files';
import type { Merge } from './merge-steps';
import { pixelsOf } from './suggestion';

/** Relative difference of aspect ratios: rounding or cropping a pixel stays below. */
const SHAPE_TOLERANCE = 0.01;

/** Why copies stay in the library, by file id. */
type Obstacles = ReadonlyMap<number, string>;

/** Why copies can't be removed because of their uses, by file id. */
export function obstaclesOf({ copies, uses }: Merge): Map<number, string> {
  const obstacles = new Map<number, string>();
  for (const { id } of copies) {
    const ofCopy = uses.filter(({ fileId }) => fileId === id);
    const count = ofCopy.filter(({ obstacle }) => obstacle !== null).length;
    if (count === 0) continue;
    obstacles.set(id, `${String(count)} of its ${String(ofCopy.length)} uses can't be changed.`);
  }
  return obstacles;
}

export function createReport(merge: Merge, obstacles: Obstacles): MergeReport {
  const { keep, copies, suggestion, carriedOver } = merge;
  const uses = groupBy(merge.uses, ({ fileId }) => fileId);
  return {
    keepId: keep.id,
    suggestion,
    files: [keep, ...copies].map((file) =>
      describeFile(file, {
        uses: uses.get(file.id) ?? [],
        obstacle: obstacles.get(file.id) ?? null,
        isKept: file === keep,
      }),
    ),
    carriedOver,
    warnings: copies.flatMap((copy) => [
      ...warningsOf(copy, keep),
      ...warningOfLeft(copy, obstacles),
    ]),
  };
}

function describeFile(
  file: LibraryFile,
  { uses, obstacle, isKept }: { uses: LocatedUse[]; obstacle: string | null; isKept: boolean },
): MergedFile {
  const { id, documentId, name, mime, width, height, alternativeText, caption } = file;
  return {
    id,
    documentId,
    name,
    mime,
    width,
    height,
    alternativeText,
    caption,
    bytes: Math.round(file.size * 1_000),
    createdAt: file.createdAt.toISOString(),
    outcome: isKept ? 'kept' : obstacle === null ? 'removed' : 'left',
    obstacle,
    useCount: uses.length,
    uses: worstFirst(uses).slice(0, mergingLimits.maxListedUses).map(toFileUse),
  };
}

function worstFirst(uses: readonly LocatedUse[]): LocatedUse[] {
  return [
    ...uses.filter(({ obstacle }) => obstacle !== null),
    ...uses.filter(({ obstacle }) => obstacle === null),
  ];
}

export function toFileUse(use: LocatedUse): FileUse {
  const { kind, contentType, documentId, entryId, locale, status, path, title, obstacle } = use;
  return { kind, contentType, documentId, entryId, locale, status, path, title, obstacle };
}

function warningsOf(copy: LibraryFile, keep: LibraryFile): MergeWarning[] {
  const warnings: MergeWarning[] = [];
  const warn = (code: MergeWarning['code'], message: string) =>
    warnings.push({ code, fileId: copy.id, message });
  if (pixelsOf(keep) < pixelsOf(copy)) {
    warn('fewer-pixels', `${name(keep)} has fewer pixels than ${name(copy)}.`);
  }
  if (differsInShape(keep, copy)) {
    warn('other-shape', `${name(keep)} has a different aspect ratio than ${name(copy)}.`);
  }
  if (isLossless(copy.mime) && !isLossless(keep.mime)) {
    warn('lossy-kept', `${name(copy)} is lossless, ${name(keep)} isn't.`);
  }
  return warnings;
}

function warningOfLeft(copy: LibraryFile, obstacles: Obstacles): MergeWarning[] {
  const obstacle = obstacles.get(copy.id);
  if (obstacle === undefined) return [];
  const message = `${name(copy)} stays in the library. ${obstacle}`;
  return [{ code: 'file-left', fileId: copy.id, message }];
}

function differsInShape(one: LibraryFile, other: LibraryFile): boolean {
  if (!one.width || !one.height || !other.width || !other.height) return false;
  const ratio = one.width / one.height / (other.width / other.height);
  // The sides of a small image are rounded to whole pixels.
  const rounding = 1 / Math.min(one.width, one.height, other.width, other.height);
  return Math.abs(ratio - 1) > SHAPE_TOLERANCE + rounding;
}

function name(file: LibraryFile): string {
  return `“${file.name}” (${String(file.id)})`;
}

const READ_ENTRIES = 'plugin::content-manager.explorer.read';

interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Record<string, unknown> | null | undefined;
}

/** Applies `hideUnreadableTitles` to a report. */
export async function hideTitlesInReport(
  strapi: Core.Strapi,
  { ability, report }: { ability: unknown; report: MergeReport },
): Promise<MergeReport> {
  const files = report.files.map(async (file) => ({
    ...file,
    uses: await hideUnreadableTitles(strapi, { ability, uses: file.uses }),
  }));
  return { ...report, files: await Promise.all(files) };
}

/**
 * Removes the titles of entries that this administrator can't read in the Content Manager: they must know that an entry
 * uses the file, but not what it is called.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 */
export async function hideUnreadableTitles(
  strapi: Core.Strapi,
  { ability, uses }: { ability: unknown; uses: readonly FileUse[] },
): Promise<FileUse[]> {
  const readable = new Set<string>();
  for (const [uid, ofType] of groupBy(uses, ({ contentType }) => contentType.uid)) {
    const ids = new Set(ofType.map(({ entryId }) => entryId));
    for (const id of await readableIds(strapi, { ability, uid, ids })) {
      readable.add(`${uid} ${String(id)}`);
    }
  }
  return uses.map((use) =>
    readable.has(`${use.contentType.uid} ${String(use.entryId)}`) ? use : { ...use, title: null },
  );
}

async function readableIds(
  strapi: Core.Strapi,
  { ability, uid, ids }: { ability: unknown; uid: string; ids: Set<number> },
): Promise<number[]> {
  const manager = strapi
    .service('admin::permission')
    .createPermissionsManager({ ability, action: READ_ENTRIES, model: uid }) as PermissionsManager;
  if (!manager.isAllowed) return [];
  const filters = manager.getQuery() ?? {};
  const { where = {} } = strapi.get('query-params').transform(uid, { filters }) as {
    where?: object;
  };
  const readable: number[] = [];
  for (const some of chunksOf(ids)) {
    const rows: { id: number }[] = await strapi.db
      .query(uid)
      .findMany({ where: { $and: [where, { id: { $in: some } }] }, select: ['id'] });
    readable.push(...rows.map(({ id }) => id));
  }
  return readable;
}
