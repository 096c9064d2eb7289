import { createRequire } from 'node:module';
import path from 'node:path';

type WorkerName =
  'clip' | 'drawing' | 'embedded-store' | 'heic' | 'map' | 'ocr' | 'pdf' | 'pixels' | 'words';

/** A program that runs beside the server, in a process or thread of its own. */
export interface WorkerProgram {
  /** Absolute path of its entry. */
  file: string;
  /** Options for Node; the server's own are not passed on. */
  execArgv: string[];
}

const packageName = 'strapi-plugin-image-search';

/** Finds the built program from the built plugin, and the TypeScript source from the sources, so that tests need no build. */
export function resolveWorker(name: WorkerName): WorkerProgram {
  return import.meta.url.endsWith('.ts') ? resolveSourceWorker(name) : resolveBuiltWorker(name);
}

export function resolveBuiltWorker(name: WorkerName): WorkerProgram {
  const file = createRequire(import.meta.url).resolve(`${packageName}/workers/${name}`);
  return { file, execArgv: [] };
}

function resolveSourceWorker(name: WorkerName): WorkerProgram {
  const require = createRequire(import.meta.url);
  const manifestFile = require.resolve(`${packageName}/package.json`);
  const { exports } = require(manifestFile) as { exports: Record<string, { source: string }> };
  const source = exports[`./workers/${name}`]?.source ?? '';
  return {
    file: path.resolve(path.dirname(manifestFile), source),
    execArgv: ['--require', require.resolve('tsx/cjs')],
  };
}
