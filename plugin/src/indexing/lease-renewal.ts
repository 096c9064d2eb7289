import type { Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { Lease } from './contract';

/** A lease is prolonged this often before it would run out. */
const RENEWALS_PER_LEASE = 3;

/** Prolongs a lease again and again until `ended` is aborted. Never rejects. */
export async function keepRenewing(options: {
  leases: { renew(lease: Lease): Promise<unknown> };
  lease: Lease;
  leaseMs: number;
  logger: Logger;
  clock: Clock;
  ended: AbortSignal;
}): Promise<void> {
  const { clock, ended, lease, leaseMs, leases, logger } = options;
  for (;;) {
    await clock.wait(leaseMs / RENEWALS_PER_LEASE, ended);
    if (ended.aborted) return;
    try {
      await leases.renew({ token: lease.token, expiresAt: new Date(clock.now() + leaseMs) });
    } catch (error) {
      logger.warn(`A lease could not be prolonged: ${toImageSearchError(error).message}`);
    }
  }
}
