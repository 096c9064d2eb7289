import { isSameIdentity, type EmbeddingIdentity } from '../embedding/contract';
import type { SpaceRecord, SpaceRole } from './contract';

/** A model that the configuration names. */
export interface NamedModel {
  identity: EmbeddingIdentity;
  /** Its space; null while that is not known. */
  spaceId: string | null;
}

/** The space that answers; null before the first one was opened. */
export function answeringOf(records: readonly SpaceRecord[]): SpaceRecord | null {
  let answering: SpaceRecord | null = null;
  for (const record of records) {
    if ((record.activation ?? 0) > (answering?.activation ?? 0)) answering = record;
  }
  return answering;
}

export function roleOf(
  record: SpaceRecord,
  records: readonly SpaceRecord[],
  fallback: NamedModel | null,
): SpaceRole {
  if (answeringOf(records)?.space.id === record.space.id) return 'answering';
  if (fallback && spaceOf(fallback, records) === record) return 'fallback';
  return record.activation === null ? 'filling' : 'kept';
}

/** Spaces whose queue must hear of every change of a file. */
export function liveOf(
  records: readonly SpaceRecord[],
  fallback: NamedModel | null,
): SpaceRecord[] {
  return records.filter((record) => roleOf(record, records, fallback) !== 'kept');
}

/** The space of a model: of several the newest one, for the files of a model may have changed. */
export function spaceOf(
  { identity, spaceId }: NamedModel,
  records: readonly SpaceRecord[],
): SpaceRecord | undefined {
  const candidates = records.filter((record) => isSameIdentity(record.identity, identity));
  return candidates.find(({ space }) => space.id === spaceId) ?? candidates.at(-1);
}
