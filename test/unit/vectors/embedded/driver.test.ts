import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type { DriverName } from '../../../../plugin/src/vectors/embedded/driver';
import { driverNames, loadDriver } from '../../../../plugin/src/vectors/embedded/driver';
import {
  availableDrivers,
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { pointOf } from '../../../support/vector-points';
import { hidePackage, wrapWorker } from '../../../support/wrapped-worker';

const space = createVectorSpace({
  provider: 'test',
  model: 'drivers',
  dimensions: 2,
  preprocessing: '',
});
const points = [pointOf(1, Float32Array.of(1, 0)), pointOf(2, Float32Array.of(0, 1))];
const query = { vector: Float32Array.of(0.6, 0.8), limit: 10 };
const hits = [
  { fileId: 2, score: 0.8 },
  { fileId: 1, score: 0.6 },
].map(({ fileId, score }) => ({ fileId, score: expect.closeTo(score, 5) }));

describe('the drivers of SQLite', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it('that are installed include one that needs no build', () => {
    expect(availableDrivers()).toContain('libsql');
  });

  const others = (driver: DriverName) => availableDrivers().filter((other) => other !== driver);
  const pairs = availableDrivers().flatMap((one) => others(one).map((other) => [one, other]));
  it.each(pairs)('share a file: what %s writes, %s reads and changes', async (...names) => {
    const [writer, reader] = names as [DriverName, DriverName];
    const written = await folder.open({ drivers: [writer] });
    await (await written.ensureSpace(space)).upsert(points);
    const read = await (await folder.open({ drivers: [reader] })).ensureSpace(space);
    await expect(read.search(query)).resolves.toEqual(hits);
    await read.remove([2]);
    const again = await (await folder.open({ drivers: [writer] })).ensureSpace(space);
    await expect(again.count()).resolves.toBe(1);
  });

  it.each(pairs)("respect each other's locks: %s that of %s", async (...names) => {
    const [waiting, locking] = names as [DriverName, DriverName];
    await (await folder.open({ drivers: [waiting] })).ensureSpace(space);
    const other = await openInProcess(folder.file, locking);
    await other.run('begin immediate; create table notes (number integer)');
    const driver = loadDriver({ projectFolder: __dirname, drivers: [waiting] });
    const database = driver.open(folder.file);
    database.exec('pragma busy_timeout = 0');
    expect(() => database.exec('begin immediate')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^SQLITE_BUSY/) }),
    );
    const tables = database.prepare("select name from sqlite_schema where name = 'notes'");
    expect(tables.all()).toHaveLength(0);
    await other.run('commit');
    database.exec('begin immediate');
    expect(tables.all()).toHaveLength(1);
    database.close();
    await other.end();
  });
});

/** A connection in a process of its own, because locks are those of a process. */
async function openInProcess(file: string, driver: DriverName) {
  const source = path.resolve(__dirname, '../../../../plugin/src/vectors/embedded/driver.ts');
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-process-'));
  const program = path.join(folder, 'program.cjs');
  await writeFile(
    program,
    `const { loadDriver } = require(${JSON.stringify(source)});
     const drivers = [${JSON.stringify(driver)}];
     const database = loadDriver({ projectFolder: process.cwd(), drivers }).open(${JSON.stringify(file)});
     process.on('message', (sql) => {
       database.exec(sql);
       process.send('done');
     });`,
  );
  const child = fork(program, { execArgv: ['--require', require.resolve('tsx/cjs')] });
  return {
    async run(sql: string): Promise<void> {
      const done = once(child, 'message');
      child.send(sql);
      await done;
    },
    async end(): Promise<void> {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
      await rm(folder, { recursive: true });
    },
  };
}

describe('a project', () => {
  let project: string;
  beforeEach(async () => {
    project = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
  });
  afterEach(() => rm(project, { recursive: true }));

  async function install(name: string, source: string): Promise<void> {
    const folder = path.join(project, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'index.js'), source);
  }

  it('provides its own driver', async () => {
    await install(
      'better-sqlite3',
      'module.exports = class { close() { globalThis.projectDriver = true; } };',
    );
    const driver = loadDriver({ projectFolder: project, drivers: ['better-sqlite3'] });
    expect(driver.name).toBe('better-sqlite3');
    expect(globalThis).toHaveProperty('projectDriver', true);
  });

  const unbuilt = `module.exports = class {
    constructor() { throw new Error('Could not locate the bindings file. Tried:\\n → /somewhere'); }
  };`;
  const drivers: DriverName[] = ['better-sqlite3', 'libsql'];

  it('whose driver is not built gets the next one', async () => {
    await install('better-sqlite3', unbuilt);
    expect(loadDriver({ projectFolder: project, drivers }).name).toBe('libsql');
  });

  it('whose drivers all fail gets the reasons, and the commands of its package manager', async () => {
    await install('better-sqlite3', unbuilt);
    await install('libsql', `throw new Error('unsupported platform')`);
    await writeFile(path.join(project, 'pnpm-lock.yaml'), '');
    const failing = () => loadDriver({ projectFolder: project, drivers });
    expect(failing).toThrow(
      "better-sqlite3 doesn't load (Could not locate the bindings file. Tried:); libsql doesn't load (unsupported platform)",
    );
    expect(failing).toThrow('"pnpm add libsql"');
    expect(failing).toThrow('"pnpm approve-builds"');
  });

  it('without any gets what to do, from every call', async () => {
    const hidden = [...driverNames.slice(1)].map(hidePackage).map((prelude) => `{${prelude}}`);
    const prelude = `process.getBuiltinModule = () => undefined; ${hidden.join('\n')}`;
    const worker = await wrapWorker('embedded-store', prelude);
    const folder = await createEmbeddedStoreFolder();
    const store = await folder.open({ program: worker.program, projectFolder: project });
    const call = store.listSpaces();
    await expect(call).rejects.toMatchObject({ code: 'store-not-installed', retryable: false });
    await expect(call).rejects.toThrow('update Node.js to 22.13');
    await expect(call).rejects.toThrow('"npm install libsql"');
    const health = await store.checkHealth();
    expect(health).toMatchObject({
      ok: false,
      message: expect.stringContaining('npm install libsql'),
    });
    await folder.destroy();
    await rm(worker.folder, { recursive: true });
  });
});
