import { randomUUID } from 'node:crypto';
import type {
  EntryFailure,
  IndexedImage,
  IndexEntries,
  IndexEntry,
} from '../../../plugin/src/indexing/contract';
import type { Lease } from '../../../plugin/src/lease';

const HOUR_MS = 3_600_000;

export const hourAgo = (): Date => new Date(Date.now() - HOUR_MS);
export const inAnHour = (): Date => new Date(Date.now() + HOUR_MS);
export const tomorrow = (): Date => new Date(Date.now() + 24 * HOUR_MS);

/** A lease as one claim has it. */
export function newLease(expiresAt = inAnHour()): Lease {
  return { token: `host|1|life|${randomUUID()}`, expiresAt };
}

export const image: IndexedImage = {
  contentHash: 'a'.repeat(64),
  sourceSignature: 'c'.repeat(64),
};

export const givenUp: EntryFailure = {
  code: 'image-unreadable',
  message: 'It is no image.',
  next: { state: 'failed' },
  sourceSignature: 'd'.repeat(64),
};

export function triedAgain(dueAt: Date): EntryFailure {
  return {
    code: 'provider-unavailable',
    message: 'It does not answer.',
    next: { state: 'pending', dueAt },
    sourceSignature: null,
  };
}

/** Marks these files and claims everything that is due. */
export async function claimNew(
  entries: IndexEntries,
  fileIds: readonly number[],
  lease = newLease(),
): Promise<string> {
  await entries.markPending(fileIds);
  await entries.claim(fileIds.length, lease);
  return lease.token;
}

/** Whether the lease was still held. */
export async function complete(
  entries: IndexEntries,
  fileId: number,
  lease: string,
): Promise<boolean> {
  const written = await entries.complete([{ ...image, fileId, lease }]);
  return written.includes(fileId);
}

export async function indexNew(entries: IndexEntries, fileIds: readonly number[]): Promise<void> {
  const token = await claimNew(entries, fileIds);
  for (const fileId of fileIds) await complete(entries, fileId, token);
}

/** The one entry of a file. */
export async function entryOf(entries: IndexEntries, fileId: number): Promise<IndexEntry> {
  const [entry, ...more] = await entries.get([fileId]);
  if (entry === undefined || more.length > 0) {
    throw new Error(`Expected one entry of file ${String(fileId)}.`);
  }
  return entry;
}

export function idsOf(found: readonly IndexEntry[]): number[] {
  return found.map((entry) => entry.fileId);
}

export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
