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

export const mariadb: DatabaseKind = {
  name: 'MariaDB',
  packageName: 'mariadb-server',
  isInstalled: () => folderOf('mariadbd', foldersOfPath()) !== undefined,
  start,
};

async function start(): Promise<DatabaseServer> {
  const user = unprivilegedUser('mysql');
  const folder = await createServerFolder(user);
  const dataFolder = path.join(folder, 'data');
  const socket = path.join(folder, 'mariadb.sock');
  await runProgram(
    program('mariadb-install-db'),
    ['--no-defaults', `--datadir=${dataFolder}`, '--auth-root-authentication-method=normal'].concat(
      ['--skip-test-db', '--innodb-flush-method=nosync'],
    ),
    user,
  );
  const sql = (statement: string): Promise<string> =>
    runProgram(program('mariadb'), [
      ...['--no-defaults', `--socket=${socket}`, '--user=root'],
      `--execute=${statement}`,
    ]);
  const daemon = await startDaemon({
    file: program('mariadbd'),
    arguments: [
      ...['--no-defaults', `--datadir=${dataFolder}`, `--socket=${socket}`, '--skip-networking'],
      // Nothing of this outlives a test.
      ...['--innodb-flush-method=nosync', '--innodb-flush-log-at-trx-commit=0'],
      ...['--innodb-print-all-deadlocks', '--log-warnings=3'],
    ],
    user,
    folder,
    stopSignal: 'SIGTERM',
    isReady: () => sql('SELECT 1'),
  });
  let databases = 0;
  return {
    ...daemon,
    async createDatabase() {
      databases += 1;
      const database = `strapi_${String(databases)}`;
      await sql(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
      return { client: 'mysql', connection: { socketPath: socket, user: 'root', database } };
    },
  };
}

function program(name: string): string {
  const folder = folderOf(name, foldersOfPath());
  if (folder === undefined) throw new Error(`There is no ${name} to run.`);
  return path.join(folder, name);
}
