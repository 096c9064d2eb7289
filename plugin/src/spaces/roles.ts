import type { SpaceRecord, SpaceRole } from './contract';

/** The space that answers; null before the first one was opened. */
export function answeringOf(records: readonly SpaceRecord[]): SpaceRecord | null {
  let answering: SpaceRecord | null = null;
  for (const record of records) {
    if ((record.activation ?? 0) > (answering?.activation ?? 0)) answering = record;
  }
  return answering;
}

export function roleOf(record: SpaceRecord, records: readonly SpaceRecord[]): SpaceRole {
  if (answeringOf(records)?.space.id === record.space.id) return 'answering';
  return record.activation === null ? 'filling' : 'kept';
}

/** Spaces whose queue must hear of every change of a file. */
export function liveOf(records: readonly SpaceRecord[]): SpaceRecord[] {
  return records.filter((record) => roleOf(record, records) !== 'kept');
}
