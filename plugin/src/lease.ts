import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from './clock';
import { toImageSearchError } from './errors';
import type { Logger } from './logger';

/**
 * How far ahead another process's times may be: the clocks of two machines differ a little, and a failed job keeps its
 * lease for minutes. Times that are further ahead were stored before this clock was set back.
 */
export const CLOCK_TOLERANCE_MS = 600_000;

const SEPARATOR = '|';
/** How often a lease is renewed before it would expire. */
const RENEWALS_PER_LEASE = 3;

/** A claim on a job or a queue entry that expires unless it is renewed. */
export interface Lease {
  /** Unique for every claim; names the owner, which `isAbandoned` compares. */
  token: string;
  expiresAt: Date;
}

/** The process that holds leases. */
export interface LeaseOwner {
  host: string;
  pid: number;
  /** Distinguishes this process from an earlier one with the same pid, as in a restarted container. */
  life: string;
}

/**
 * - `claimed`: the job is the caller's to do.
 * - `held`: another process does it, or died while doing it; it can be claimed when that lease expires.
 * - `done`: it was started at or after the given moment, and finished.
 */
export type JobClaim =
  { kind: 'claimed' } | { kind: 'held'; leaseToken: string } | { kind: 'done' };

/**
 * Jobs that only one process does at a time. All calls are atomic across processes that share the database.
 *
 * A caller names a job; it is known from its first claim on. It is due when it has not been started since the given
 * moment, or when the process that started it let its lease expire. After the clock was set back, a start that is ahead by
 * more than `CLOCK_TOLERANCE_MS` counts as none, and a lease that ends later than the caller's by more than that is cut.
 *
 * @throws whatever the database throws
 * @example
 * const lease = createLease(owner, new Date(clock.now() + leaseMs));
 * const claim = await jobs.tryClaim({ name: 'sync', lease, notStartedSince: lastHour });
 * if (claim.kind === 'claimed') await work().finally(() => jobs.finish(lease.token));
 */
export interface JobLeases {
  /** Returns `claimed` to at most one of several concurrent callers. */
  tryClaim(options: { name: string; lease: Lease; notStartedSince: Date }): Promise<JobClaim>;
  /** Moves the end of a lease, sooner or later; false when it is no longer held. */
  renew(lease: Lease): Promise<boolean>;
  /** Records that the job is done; false, with nothing changed, when the lease is no longer held. */
  finish(leaseToken: string): Promise<boolean>;
}

export function currentOwner(): LeaseOwner {
  return { host: hostname(), pid: process.pid, life: randomUUID() };
}

export function createLease(owner: LeaseOwner, expiresAt: Date): Lease {
  const token = [owner.host, owner.pid, owner.life, randomUUID()].join(SEPARATOR);
  return { token, expiresAt };
}

/**
 * Whether a dead process of this host left a lease behind, so that its work need not wait until the lease expires.
 * Leases of other hosts are never judged.
 */
export function isAbandoned(
  leaseToken: string,
  self: LeaseOwner,
  isAlive: (pid: number) => boolean = isProcessAlive,
): boolean {
  const [host, pidText, life] = leaseToken.split(SEPARATOR);
  if (host !== self.host || life === self.life) return false;
  const pid = Number(pidText);
  return pid === self.pid || !isAlive(pid);
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is alive, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Claims a job, even if a process of this host died while doing it. */
export async function claimJob(
  jobs: JobLeases,
  wanted: Parameters<JobLeases['tryClaim']>[0],
  { owner, clock }: { owner: LeaseOwner; clock: Pick<Clock, 'now'> },
): Promise<JobClaim['kind']> {
  const claim = await jobs.tryClaim(wanted);
  if (claim.kind !== 'held' || !isAbandoned(claim.leaseToken, owner)) return claim.kind;
  await jobs.renew({ token: claim.leaseToken, expiresAt: new Date(clock.now()) });
  return (await jobs.tryClaim(wanted)).kind;
}

/**
 * Renews a lease until `ended` is aborted, or, with `onLost`, until another process may hold it; that is called once then.
 * Never rejects.
 */
export async function keepRenewing(options: {
  leases: { renew(lease: Lease): Promise<unknown> };
  lease: Lease;
  leaseMs: number;
  logger: Logger;
  clock: Clock;
  ended: AbortSignal;
  onLost?: () => void;
}): Promise<void> {
  const { clock, ended, lease, leaseMs, leases, logger, onLost } = options;
  let renewedAt = clock.elapsed();
  let isHeld = true;
  while (isHeld || !onLost) {
    await clock.wait(leaseMs / RENEWALS_PER_LEASE, ended);
    if (ended.aborted) return;
    const startedAt = clock.elapsed();
    try {
      const expiresAt = new Date(clock.now() + leaseMs);
      isHeld = (await leases.renew({ token: lease.token, expiresAt })) !== false;
      renewedAt = startedAt;
    } catch (error) {
      logger.warn(`A lease couldn't be renewed: ${toImageSearchError(error).message}`);
      isHeld = clock.elapsed() - renewedAt < leaseMs;
    }
  }
  onLost();
}
