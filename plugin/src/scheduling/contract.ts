import type { Lease } from '../indexing/contract';

/**
 * - `claimed`: the job is the caller's to do.
 * - `held`: somebody does it now, or has stopped before its end; once that lease runs out it can be claimed.
 * - `done`: it was begun at or after the given moment, and finished.
 */
export type JobClaim =
  { kind: 'claimed' } | { kind: 'held'; leaseToken: string } | { kind: 'done' };

/**
 * Work that one of several processes does for all. All calls are atomic across processes that share the database.
 *
 * A job is named by its caller and known from its first claim on. It is to be done when it has not been begun since a
 * moment that the caller gives, or when whoever began it let the lease run out.
 */
export interface JobLeases {
  /** Of several callers at a time at most one is answered `claimed`. */
  tryClaim(options: { name: string; lease: Lease; notStartedSince: Date }): Promise<JobClaim>;
  /** Moves the end of a lease, nearer or further; answers false when it is no longer held. */
  renew(lease: Lease): Promise<boolean>;
  /** Notes that the job was done; answers false, and changes nothing, when the lease is no longer held. */
  finish(leaseToken: string): Promise<boolean>;
}
