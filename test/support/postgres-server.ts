import { readdirSync } from 'node:fs';
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

/** Debian keeps the server's programs out of the path, by version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Nothing of this outlives a test. */
const UNSAFE_AND_FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

export const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  packageName: 'postgresql',
  isInstalled: () => programFolder() !== undefined,
  start,
};

async function start(): Promise<DatabaseServer> {
  const programs = programFolder();
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

/** Of several versions the newest. */
function programFolder(): string | undefined {
  return folderOf('initdb', [...debianFolders(), ...foldersOfPath()]);
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
