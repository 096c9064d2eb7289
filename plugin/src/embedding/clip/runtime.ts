import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { detectPackageManager } from '../../package-manager';
import { ModelError } from './model-files';
import type { Failure } from './protocol';

export interface Tensor {
  readonly type: string;
  readonly data: unknown;
}

type TensorClass = new (
  type: 'float32' | 'int64',
  data: Float32Array | BigInt64Array,
  shape: readonly number[],
) => Tensor;

/** A loaded encoder. */
export interface Session {
  readonly inputNames: readonly string[];
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor | undefined>>;
}

/** What both packages export. */
interface RuntimePackage {
  env: { versions?: Record<string, string | undefined>; wasm: { numThreads?: number } };
  InferenceSession: { create(file: string, options: object): Promise<Session> };
  Tensor: TensorClass;
}

const NATIVE = 'onnxruntime-node';
const WASM = 'onnxruntime-web';

/**
 * ONNX Runtime: the native one, or WebAssembly, which runs everywhere but takes about four times as long.
 *
 * A project may install another version than the one that this plugin depends on, which is preferred then.
 */
export interface Runtime {
  /** For messages, such as `onnxruntime-node 1.17.0`. */
  readonly name: string;
  readonly Tensor: TensorClass;
  /** @param threads for one input */
  createSession(file: string, threads: number): Promise<Session>;
}

/**
 * Loads the first runtime that works here.
 *
 * @throws ModelError `provider-not-installed`, with what to install
 */
export function loadRuntime(projectFolder: string): Runtime {
  const failures: string[] = [];
  for (const candidate of findCandidates(lookupsOf(projectFolder))) {
    try {
      return adapt(candidate, candidate.require(candidate.file) as RuntimePackage);
    } catch (error) {
      failures.push(`${candidate.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new ModelError(notInstalled(projectFolder, failures.join('; ')));
}

/** What `loadRuntime` would fail with, as far as the installed files tell: nothing is loaded. */
export function findMissingRuntime(
  projectFolder: string,
  lookups = lookupsOf(projectFolder),
): Failure | null {
  const candidates = findCandidates(lookups);
  const usable = candidates.filter(({ name, file }) => name === WASM || hasBinary(file));
  if (usable.length > 0) return null;
  return notInstalled(projectFolder, candidates.length === 0 ? 'not found' : 'no binary');
}

interface Candidate {
  name: typeof NATIVE | typeof WASM;
  require: NodeJS.Require;
  /** The package's entry. */
  file: string;
}

/** The project's packages first, then those of this plugin. */
function lookupsOf(projectFolder: string): NodeJS.Require[] {
  return [createRequire(path.join(projectFolder, 'package.json')), createRequire(import.meta.url)];
}

function findCandidates(lookups: readonly NodeJS.Require[]): Candidate[] {
  const candidates: Candidate[] = [];
  for (const name of [NATIVE, WASM] as const) {
    for (const require of lookups) {
      const file = resolve(require, name);
      const isKnown = candidates.some((candidate) => candidate.file === file);
      if (file !== null && !isKnown) candidates.push({ name, require, file });
    }
  }
  return candidates;
}

function resolve(require: NodeJS.Require, name: string): string | null {
  try {
    return require.resolve(name);
  } catch {
    return null;
  }
}

/** Whether the package has a binary for this platform, which needs the GNU C library on Linux. */
function hasBinary(entry: string): boolean {
  const binaries = path.resolve(path.dirname(entry), '../bin');
  try {
    const [version = ''] = readdirSync(binaries).filter((name) => name.startsWith('napi-v'));
    const files = readdirSync(path.join(binaries, version, process.platform, process.arch));
    return files.some((file) => file.endsWith('.node')) && !isMusl();
  } catch {
    return false;
  }
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

function notInstalled(projectFolder: string, cause: string): Failure {
  const manager = detectPackageManager(projectFolder);
  const platform = `${process.platform}-${process.arch}${isMusl() ? ' with musl' : ''}`;
  return {
    code: 'provider-not-installed',
    message: `The local model requires ONNX Runtime, and ${NATIVE} is missing or doesn't run on this machine (${platform}). Run "${manager.install(WASM)}" in the project folder for a slower one that runs everywhere, or "${manager.install(NATIVE)}" for the latest native one, or set embedding.provider to a hosted API. Then restart Strapi.`,
    retryable: false,
    cause,
  };
}

function adapt({ name }: Candidate, runtime: RuntimePackage): Runtime {
  const { versions = {} } = runtime.env;
  return {
    name: `${name} ${versions['node'] ?? versions['web'] ?? versions['common'] ?? ''}`.trim(),
    Tensor: runtime.Tensor,
    createSession(file, threads) {
      if (name === WASM) runtime.env.wasm.numThreads = threads;
      return runtime.InferenceSession.create(file, {
        executionProviders: [name === WASM ? 'wasm' : 'cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // Only fatal errors; the others are thrown.
        logSeverityLevel: 4,
        // Threads that wait for work would take the time of those that have some: on two busy cores, 60 ms of processor
        // time an image instead of 55, and 95 in 100 images done in 87 ms instead of 179. Version 1.17 ignores it.
        ...(name === NATIVE && { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
      });
    },
  };
}
