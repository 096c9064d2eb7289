import type { Core } from '@strapi/strapi';
import {
  isLossless,
  mergingLimits,
  type FileUse,
  type MergedFile,
  type MergeReport,
  type MergeWarning,
} from '../../../plugin/src/contracts/merging';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import type { DuplicateVerdict, Side } from '../../../plugin/src/matching/contract';
import type { LocatedUse } from '../usage/contract';
import { groupBy, chunksOf } from '../usage/database-tables';
import { namesOf, type LibraryFile } from '../usage/library-files';
import { toFileUse } from '../usage/usage';
import type { Merge } from './merge-steps';
import { pixelsOf } from './suggestion';
import { rewrittenUrls } from './text-rewriting';

/** Relative difference of aspect ratios: rounding or cropping a pixel stays below. */
const SHAPE_TOLERANCE = 0.01;

/** Why copies stay in the library, by file id. */
type FileObstacle = NonNullable<MergedFile['obstacle']>;
type Obstacles = ReadonlyMap<number, FileObstacle>;

/** Why copies can't be removed because of their uses, by file id. */
export function obstaclesOf({ copies, uses }: Merge): Map<number, FileObstacle> {
  const obstacles = new Map<number, FileObstacle>();
  for (const { id } of copies) {
    const ofCopy = uses.filter((use) => use.fileId === id && isSure(use));
    const count = ofCopy.filter(({ obstacle }) => obstacle !== null).length;
    if (count === 0) continue;
    const message = `${String(count)} of its ${String(ofCopy.length)} uses can't be changed.`;
    obstacles.set(id, { code: 'unchangeable-uses', message });
  }
  return obstacles;
}

export function createReport(
  merge: Merge,
  obstacles: Obstacles,
  { trashDays, mergeId }: Pick<MergeReport, 'trashDays' | 'mergeId'>,
): MergeReport {
  const { keep, copies, suggestion, carriedOver } = merge;
  const uses = groupBy(merge.uses, ({ fileId }) => fileId);
  const twice = findTwiceNamed(merge);
  const outcomeOf = (file: LibraryFile): MergedFile['outcome'] => {
    if (file === keep) return 'kept';
    if (obstacles.has(file.id)) return 'left';
    return trashDays > 0 ? 'trashed' : 'removed';
  };
  return {
    keepId: keep.id,
    trashDays,
    mergeId,
    suggestion,
    files: [keep, ...copies].map((file) =>
      describeFile(file, {
        uses: uses.get(file.id) ?? [],
        obstacle: obstacles.get(file.id) ?? null,
        outcome: outcomeOf(file),
      }),
    ),
    carriedOver,
    warnings: copies.flatMap((copy) => [
      ...warningsOf(copy, keep),
      ...warningsOfPairs(copy, merge),
      ...warningsOfUses(copy, { merge, twice }),
      ...warningOfLeft(copy, obstacles),
    ]),
  };
}

function describeFile(
  file: LibraryFile,
  { uses, obstacle, outcome }: Pick<MergedFile, 'obstacle' | 'outcome'> & { uses: LocatedUse[] },
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
    outcome,
    obstacle,
    ...listUses(uses),
    addresses: outcome === 'trashed' || outcome === 'removed' ? namesOf(file).urls : [],
  };
}

/** The uses of one file as a response lists them: those that prevent its deletion first, possible ones last. */
export function listUses(
  uses: readonly LocatedUse[],
): Pick<MergedFile, 'useCount' | 'possibleUseCount' | 'uses'> {
  const sure = uses.filter(isSure);
  const possible = uses.filter((use) => !isSure(use));
  const worstFirst = [
    ...sure.filter(({ obstacle }) => obstacle !== null),
    ...sure.filter(({ obstacle }) => obstacle === null),
    ...possible,
  ];
  return {
    useCount: sure.length,
    possibleUseCount: possible.length,
    uses: worstFirst.slice(0, mergingLimits.maxListedUses).map(toFileUse),
  };
}

function isSure({ certainty }: LocatedUse): boolean {
  return certainty === 'sure';
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
  if (keep.mime === 'image/jpeg' && ['image/webp', 'image/avif', 'image/gif'].includes(copy.mime)) {
    warn('transparency', `${name(copy)} may be transparent, ${name(keep)} can't be.`);
  }
  if (copy.mime === 'image/gif' && keep.mime !== 'image/gif') {
    warn('animation', `${name(copy)} may be animated, ${name(keep)} may not be.`);
  }
  if (differsInTexts(keep, copy)) {
    warn('other-texts', `${name(copy)} has other texts; ${name(keep)} keeps its own.`);
  }
  return warnings;
}

/** Whether a text of the copy would be lost: an alternative text in another language, for example. */
function differsInTexts(keep: LibraryFile, copy: LibraryFile): boolean {
  return (['alternativeText', 'caption'] as const).some((field) => {
    const [kept, copied] = [keep[field]?.trim() ?? '', copy[field]?.trim() ?? ''];
    return kept !== '' && copied !== '' && kept !== copied;
  });
}

/** What the comparison of the images says about a copy and the kept file. */
function warningsOfPairs(copy: LibraryFile, { keep, pairs }: Merge): MergeWarning[] {
  const direct = pairs.find(
    ({ fileA, fileB }) => [fileA, fileB].includes(copy.id) && [fileA, fileB].includes(keep.id),
  );
  const [one, other] = [name(copy), name(keep)];
  const fileId = copy.id;
  if (direct?.status === 'ignored') {
    const message = `A user reviewed ${one} and ${other}: they aren't duplicates.`;
    return [{ code: 'ignored', fileId, message }];
  }
  const way = direct ? [direct] : wayBetween(copy.id, keep.id, pairs);
  if (way === null) {
    const message = `Nothing shows that ${one} and ${other} are duplicates.`;
    return [{ code: 'unrelated', fileId, message }];
  }
  const warnings = direct ? warningsOfQuality(copy, { keep, pair: direct }) : [];
  const isEdited = way.some(({ verdict }) => verdict.kind === 'edited');
  if (isEdited && !warnings.some(({ code }) => code === 'edited-kept' || code === 'edited-copy')) {
    const message = `One of ${one} and ${other} is an edited version of the other.`;
    warnings.unshift({ code: 'edited-version', fileId, message });
  }
  const regions = way.map(({ verdict }) => regionsOf(verdict));
  const blurred = Math.max(...regions.map((region) => region.blurred));
  const differing = Math.max(...regions.map((region) => region.all - region.blurred));
  if (differing > 0) {
    const message = `${one} and ${other} differ in ${quantity(differing, 'region')}.`;
    warnings.push({ code: 'differing-regions', fileId, message, count: differing });
  }
  if (way.some(({ verdict }) => hasOtherColors(verdict))) {
    const message = `The colors of ${one} and ${other} differ.`;
    warnings.push({ code: 'other-colors', fileId, message });
  }
  if (blurred > 0) {
    const message = `One of ${one} and ${other} is blurred in ${quantity(blurred, 'region')}, such as a face or a plate.`;
    warnings.push({ code: 'blurred-regions', fileId, message, count: blurred });
  }
  return warnings;
}

function regionsOf(verdict: DuplicateVerdict): { all: number; blurred: number } {
  const pixels = verdict.kind === 'edited' ? verdict.pixels : undefined;
  return {
    all: pixels?.differences.one.length ?? 0,
    blurred: pixels?.blurred?.length ?? 0,
  };
}

function hasOtherColors(verdict: DuplicateVerdict): boolean {
  return verdict.kind !== 'identical' && verdict.pixels?.otherColors === true;
}

const effects = {
  covered: 'something covers a part of it',
  blurred: 'a part of it is blurred',
  framed: 'it has a frame',
  cropped: 'a part of it was cut off',
};

function warningsOfQuality(
  copy: LibraryFile,
  { keep, pair }: { keep: LibraryFile; pair: DuplicatePair },
): MergeWarning[] {
  const quality = pair.verdict.kind === 'identical' ? undefined : pair.verdict.pixels?.quality;
  if (!quality) return [];
  const isKept = (side: Side): boolean => (side === 'one' ? pair.fileA : pair.fileB) === keep.id;
  const fileId = copy.id;
  const warnings: MergeWarning[] = [];
  if (quality.edited) {
    const { effect, side } = quality.edited;
    const [code, file] = isKept(side)
      ? (['edited-kept', keep] as const)
      : (['edited-copy', copy] as const);
    const message = `${name(file)} is an edited version: ${effects[effect]}.`;
    warnings.push({ code, fileId, message, effect });
  }
  if (quality.gray) {
    const [code, file] = isKept(quality.gray)
      ? (['gray-kept', keep] as const)
      : (['gray-copy', copy] as const);
    warnings.push({ code, fileId, message: `${name(file)} has no colors, the other file has.` });
  }
  return warnings;
}

/** The pairs that lead from one file to another, fewest first; null if there is no way. */
function wayBetween(
  from: number,
  to: number,
  pairs: readonly DuplicatePair[],
): DuplicatePair[] | null {
  const ways = new Map<number, DuplicatePair[]>([[from, []]]);
  for (const [fileId, way] of ways) {
    if (fileId === to) return way;
    for (const pair of pairs) {
      const { fileA, fileB, status } = pair;
      if (status === 'ignored' || (fileA !== fileId && fileB !== fileId)) continue;
      const next = fileA === fileId ? fileB : fileA;
      if (!ways.has(next)) ways.set(next, [...way, pair]);
    }
  }
  return null;
}

/** By file id: how many lists and how many entries name it beside another file of the merge. */
interface TwiceNamed {
  lists: Map<number, number>;
  entries: Map<number, number>;
}

function findTwiceNamed({ uses, keep }: Merge): TwiceNamed {
  const named: TwiceNamed = { lists: new Map(), entries: new Map() };
  const count = (counts: Map<number, number>, fileIds: ReadonlySet<number>) => {
    for (const id of fileIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  };
  const movable = uses.filter(
    (use) => isSure(use) && (use.fileId === keep.id || use.obstacle === null),
  );
  const entries = groupBy(
    movable,
    ({ contentType, entryId }) => `${contentType.uid} ${String(entryId)}`,
  );
  for (const inEntry of entries.values()) {
    const fileIds = filesOf(inEntry);
    if (fileIds.size < 2) continue;
    const fields = [...groupBy(inEntry, ({ path }) => path).values()];
    const lists = fields.filter(
      (inField) => inField[0]?.kind === 'relation' && filesOf(inField).size > 1,
    );
    for (const list of lists) count(named.lists, filesOf(list));
    const hasTexts = fields.some(
      (inField) => inField[0]?.kind !== 'relation' && filesOf(inField).size > 1,
    );
    if (fields.length > 1 || hasTexts) count(named.entries, fileIds);
  }
  return named;
}

function filesOf(uses: readonly LocatedUse[]): Set<number> {
  return new Set(uses.map(({ fileId }) => fileId));
}

function warningsOfUses(
  copy: LibraryFile,
  { merge, twice }: { merge: Merge; twice: TwiceNamed },
): MergeWarning[] {
  const { keep, uses } = merge;
  const ofCopy = uses.filter(({ fileId }) => fileId === copy.id);
  const narrowed = ofCopy.filter(
    ({ obstacle, urls = [] }) =>
      obstacle === null && rewrittenUrls(urls, { copy, keep }).size < urls.length,
  );
  const [one, other] = [name(copy), name(keep)];
  const counts = [
    {
      code: 'fewer-sizes',
      count: narrowed.length,
      tell: (texts: string) =>
        `${texts} offer several sizes of ${one}, of which ${other} has fewer.`,
      of: 'text',
    },
    {
      code: 'listed-once',
      count: twice.lists.get(copy.id) ?? 0,
      tell: (lists: string) =>
        `${lists} with ${one} and another of these files will have ${other} once, at the earlier position.`,
      of: 'list',
    },
    {
      code: 'named-twice',
      count: twice.entries.get(copy.id) ?? 0,
      tell: (entries: string) =>
        `${entries} with ${one} and another of these files will use ${other} more than once.`,
      of: 'entry',
    },
    {
      code: 'possible-uses',
      count: ofCopy.filter((use) => !isSure(use)).length,
      tell: (fields: string) =>
        `${fields} may name ${one} by its id, ${String(copy.id)}. They aren't changed.`,
      of: 'field',
    },
  ] as const;
  return counts.flatMap(({ code, count, of, tell }) =>
    count === 0 ? [] : [{ code, fileId: copy.id, message: tell(quantity(count, of)), count }],
  );
}

function quantity(count: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${String(count)} ${count === 1 ? noun : plural}`;
}

function warningOfLeft(copy: LibraryFile, obstacles: Obstacles): MergeWarning[] {
  const obstacle = obstacles.get(copy.id);
  if (obstacle === undefined) return [];
  const message = `${name(copy)} stays in the library. ${obstacle.message}`;
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
/** The actions that show settings in Strapi's panel, by the settings' keys. */
const READ_SETTINGS = new Map([
  ['plugin_users-permissions_advanced', 'plugin::users-permissions.advanced-settings.read'],
  ['plugin_users-permissions_email', 'plugin::users-permissions.email-templates.read'],
  ['plugin_users-permissions_grant', 'plugin::users-permissions.providers.read'],
]);
/** Super admins have them, and who has them can become one. */
const SUPER_ADMIN_ACTIONS = ['admin::roles.update', 'admin::users.update'];

interface Ability {
  can(action: string): boolean;
}

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
 * Removes the titles and mentions of uses in entries that this administrator can't read in the Content Manager, and in
 * settings that they can't read in Strapi's settings: they must know that something uses the file, but not what it is
 * called or says.
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
    const isSetting = ofType[0]?.contentType.kind === 'setting';
    const readableOf = isSetting ? readableSettings : readableIds;
    for (const id of await readableOf(strapi, { ability, uid, ids })) {
      readable.add(`${uid} ${String(id)}`);
    }
  }
  return uses.map((use) =>
    readable.has(`${use.contentType.uid} ${String(use.entryId)}`)
      ? use
      : { ...use, title: null, mention: null },
  );
}

async function readableSettings(
  strapi: Core.Strapi,
  { ability, uid, ids }: { ability: unknown; uid: string; ids: ReadonlySet<number> },
): Promise<number[]> {
  const can = (action: string): boolean => (ability as Ability).can(action);
  const isSuperAdmin = SUPER_ADMIN_ACTIONS.every(can);
  const rows: { id: number; key: string }[] = await strapi.db
    .query(uid)
    .findMany({ where: { id: { $in: [...ids] } }, select: ['id', 'key'] });
  return rows.flatMap(({ id, key }) => {
    const action = READ_SETTINGS.get(key);
    return isSuperAdmin || (action !== undefined && can(action)) ? [id] : [];
  });
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
