import type { EmbeddingIdentity } from '../embedding/contract';
import { isSameIdentity } from '../embedding/vector-space';
import { ImageSearchError } from '../errors';
import type { SpaceRecord, SpaceRole } from './contract';

/** A model that the configuration names. */
export interface NamedModel {
  identity: EmbeddingIdentity;
  /** Null until the model was opened. */
  spaceId: string | null;
}

/** The active space; null before the first one was opened. */
export function activeOf(records: readonly SpaceRecord[]): SpaceRecord | null {
  let active: SpaceRecord | null = null;
  for (const record of records) {
    if ((record.activation ?? 0) > (active?.activation ?? 0)) active = record;
  }
  return active;
}

export function roleOf(
  record: SpaceRecord,
  records: readonly SpaceRecord[],
  fallback: NamedModel | null,
): SpaceRole {
  if (activeOf(records)?.space.id === record.space.id) return 'active';
  if (fallback && spaceOf(fallback, records) === record) return 'fallback';
  return record.activation === null ? 'building' : 'standby';
}

/** Spaces whose queues must learn of every file change. */
export function liveOf(
  records: readonly SpaceRecord[],
  fallback: NamedModel | null,
): SpaceRecord[] {
  return records.filter((record) => roleOf(record, records, fallback) !== 'standby');
}

/** The space of a model; the newest if its files have changed and it has several. */
export function spaceOf(
  { identity, spaceId }: NamedModel,
  records: readonly SpaceRecord[],
): SpaceRecord | undefined {
  const candidates = records.filter((record) => isSameIdentity(record.identity, identity));
  return candidates.find(({ space }) => space.id === spaceId) ?? candidates.at(-1);
}

/** @throws ImageSearchError `invalid-input` for an unknown space */
export function findRecord(records: readonly SpaceRecord[], spaceId: string): SpaceRecord {
  const record = records.find(({ space }) => space.id === spaceId);
  if (record) return record;
  const known = records.map(({ space }) => space.id).join(', ') || 'none yet';
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `Unknown space "${spaceId}". Known spaces: ${known}.`,
    retryable: false,
  });
}
