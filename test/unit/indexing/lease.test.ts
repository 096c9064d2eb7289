import { hostname } from 'node:os';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { createLease, currentOwner, isAbandoned, type LeaseOwner } from '../../../plugin/src/lease';

const self: LeaseOwner = { host: 'alpha', pid: 100, life: 'now' };
const expiresAt = new Date(Date.UTC(2026, 0, 1));

const alive = (): boolean => true;
const dead = (): boolean => false;

function tokenOf(owner: Partial<LeaseOwner>): string {
  return createLease({ ...self, ...owner }, expiresAt).token;
}

describe('a lease', () => {
  it('is unique for every claim and expires at the given time', () => {
    const leases = Array.from({ length: 50 }, () => createLease(self, expiresAt));
    expect(new Set(leases.map(({ token }) => token)).size).toBe(50);
    expect(leases[0]?.expiresAt).toEqual(expiresAt);
  });

  it('fits into a short text column', () => {
    const { token } = createLease({ ...currentOwner(), host: 'h'.repeat(64) }, expiresAt);
    expect(token.length).toBeLessThanOrEqual(255);
  });
});

describe('currentOwner', () => {
  it('identifies this run of this process', () => {
    const [first, second] = [currentOwner(), currentOwner()];
    expect(first).toMatchObject({ host: hostname(), pid: process.pid });
    expect(first.life).not.toBe(second.life);
  });
});

describe('isAbandoned', () => {
  it('is true for a dead process on this host', () => {
    expect(isAbandoned(tokenOf({ pid: 7, life: 'before' }), self, dead)).toBe(true);
  });

  it('is false for a running process on this host', () => {
    expect(isAbandoned(tokenOf({ pid: 7, life: 'before' }), self, alive)).toBe(false);
  });

  it('is true for an earlier run with the same process id, as in a restarted container', () => {
    expect(isAbandoned(tokenOf({ life: 'before' }), self, alive)).toBe(true);
  });

  it('is always false for leases of this run', () => {
    expect(isAbandoned(tokenOf({}), self, dead)).toBe(false);
  });

  it('is always false for another host', () => {
    expect(isAbandoned(tokenOf({ host: 'beta', life: 'before' }), self, dead)).toBe(false);
  });

  it('detects which processes are running', () => {
    const owner = currentOwner();
    const ended = spawnSync(process.execPath, ['--version']).pid;
    const token = (pid: number) => createLease({ ...owner, pid, life: 'before' }, expiresAt).token;
    expect(isAbandoned(token(ended), owner)).toBe(true);
    expect(isAbandoned(token(process.ppid), owner)).toBe(false);
    // The first process of a system is running, whoever owns it.
    expect(isAbandoned(token(1), owner)).toBe(false);
  });
});
