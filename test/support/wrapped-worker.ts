import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { resolveWorker, type WorkerProgram } from '../../plugin/src/workers';

interface WrappedWorker {
  program: WorkerProgram;
  /** Holds nothing but the program's entry. */
  folder: string;
}

/** A worker whose entry is a file in a new temporary folder; `prelude` is JavaScript that it runs first. */
export async function wrapWorker(
  name: Parameters<typeof resolveWorker>[0],
  prelude = '',
): Promise<WrappedWorker> {
  const { file, execArgv } = resolveWorker(name);
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-worker-'));
  const entry = path.join(folder, 'worker.cjs');
  await writeFile(entry, `${prelude}\nrequire(${JSON.stringify(file)});\n`);
  return { program: { file: entry, execArgv }, folder };
}

/** A prelude after which the package is not found. */
export function hidePackage(name: string): string {
  return `
    const Module = require('node:module');
    const { _resolveFilename } = Module;
    Module._resolveFilename = function (request, ...others) {
      if (request !== ${JSON.stringify(name)}) return _resolveFilename.call(this, request, ...others);
      throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
    };`;
}
