import type { Clock } from '../../plugin/src/clock';

import {
  CLOCK_TOLERANCE_MS,
  type JobClaim,
  type JobLeases,
  type Lease,
} from '../../plugin/src/lease';

interface Job {
  startedAt: number;
  lease: Lease | null;
}

/** Jobs in memory: every method is one synchronous step, so all of them are atomic. */
export class MemoryJobLeases implements JobLeases {
  readonly #jobs = new Map<string, Job>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  tryClaim({ name, lease, notStartedSince }: Parameters<JobLeases['tryClaim']>[0]) {
    const now = this.#clock.now();
    const job = this.#jobs.get(name);
    const answer = (claim: JobClaim): Promise<JobClaim> => Promise.resolve(claim);
    const latest = lease.expiresAt.getTime() + CLOCK_TOLERANCE_MS;
    if (job?.lease && job.lease.expiresAt.getTime() > latest) {
      job.lease = { token: job.lease.token, expiresAt: new Date(latest) };
    }
    if (job?.lease && job.lease.expiresAt.getTime() > now) {
      return answer({ kind: 'held', leaseToken: job.lease.token });
    }
    const isAhead = (job?.startedAt ?? 0) > now + CLOCK_TOLERANCE_MS;
    if (job && !job.lease && !isAhead && job.startedAt >= notStartedSince.getTime()) {
      return answer({ kind: 'done' });
    }
    this.#jobs.set(name, { startedAt: now, lease });
    return answer({ kind: 'claimed' });
  }

  renew(lease: Lease): Promise<boolean> {
    return this.#change(lease.token, lease);
  }

  finish(leaseToken: string): Promise<boolean> {
    return this.#change(leaseToken, null);
  }

  #change(token: string, lease: Lease | null): Promise<boolean> {
    const job = [...this.#jobs.values()].find((candidate) => candidate.lease?.token === token);
    if (job) job.lease = lease;
    return Promise.resolve(job !== undefined);
  }
}
