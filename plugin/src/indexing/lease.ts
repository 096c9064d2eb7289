import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Lease } from './contract';

const SEPARATOR = '|';

/** The process that holds leases. */
export interface LeaseOwner {
  host: string;
  pid: number;
  /** Tells this life of the process from an earlier one that had the same pid, as in a restarted container. */
  life: string;
}

export function currentOwner(): LeaseOwner {
  return { host: hostname(), pid: process.pid, life: randomUUID() };
}

/** A lease of its own for one claim. */
export function createLease(owner: LeaseOwner, expiresAt: Date): Lease {
  const token = [owner.host, owner.pid, owner.life, randomUUID()].join(SEPARATOR);
  return { token, expiresAt };
}

/**
 * Whether a lease was left behind by a process of this host that is dead, so that its pictures need not wait for the
 * lease to run out. Leases of other hosts are never judged.
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
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
