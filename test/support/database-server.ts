import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pollUntil } from './polling';
import type { AppDatabase } from './strapi-environment';

const READY_WITHIN_MS = 60_000;

/** A separate database server for one suite, in a temporary folder, listening only on a Unix socket. */
export interface DatabaseServer {
  /** A new, empty database; say so to `startStrapi` or `spawnStrapi`. */
  createDatabase(): Promise<AppDatabase>;
  /** Everything the server has logged. */
  log(): string;
  stop(): Promise<void>;
}

export interface DatabaseKind {
  name: string;
  /** Debian's package. */
  packageName: string;
  isInstalled(): boolean;
  /** Whether CI found out that it cannot install it. */
  isUnavailable?(): boolean;
  start(): Promise<DatabaseServer>;
}

/** A user that a program runs as; empty for the user of this process. */
export type ProgramUser = { uid: number; gid: number } | Record<string, never>;

/** Database servers refuse to run as root: the first of these users that there is, when this process is root. */
export function unprivilegedUser(...names: string[]): ProgramUser {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of [...names, 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`This process is root, and there is no user ${names.join(' or ')} to run as.`);
}

/** The first of these folders that has an executable of this name. */
export function folderOf(program: string, folders: readonly string[]): string | undefined {
  return folders.find((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function foldersOfPath(): string[] {
  return [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
}

/** An empty folder that belongs to this user. */
export async function createServerFolder(user: ProgramUser): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-db-'));
  if ('uid' in user) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Runs a program to its end; fails with what it wrote. */
export async function runProgram(
  file: string,
  given: readonly string[],
  user: ProgramUser = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(file, given, { ...user, cwd: '/' });
  return stdout;
}

/** Starts a server that stays in the foreground; resolves once `isReady`, rejects when it ends before that. */
export async function startDaemon(options: {
  file: string;
  arguments: readonly string[];
  user: ProgramUser;
  folder: string;
  /** Stops it without waiting for its clients. */
  stopSignal: NodeJS.Signals;
  /** Rejects while it is not. */
  isReady: () => Promise<unknown>;
}): Promise<Pick<DatabaseServer, 'log' | 'stop'>> {
  const written: Buffer[] = [];
  const log = (): string => Buffer.concat(written).toString();
  const child: ChildProcess = spawn(options.file, options.arguments, {
    ...options.user,
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => written.push(chunk));
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill(options.stopSignal);
    await ended;
    await rm(options.folder, { recursive: true, force: true });
  };
  try {
    await pollUntil(
      async () => {
        if (child.exitCode !== null) throw new Error(`${options.file} ended:\n${log()}`);
        return await options.isReady().then(
          () => true,
          () => false,
        );
      },
      (isReady) => isReady,
      { timeoutMs: READY_WITHIN_MS },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { log, stop };
}
