import { createRequire } from 'node:module';
import path from 'node:path';
import type * as transformers from '@huggingface/transformers';
import { ModelError } from './model-error';

export type Transformers = typeof transformers;

const PACKAGE = '@huggingface/transformers';

/**
 * Loads the optional package: the project's copy if it has one, or else the one that this plugin sees. Fails with
 * `provider-not-installed` and the command that mends it.
 */
export function loadTransformers(projectFolder: string): Transformers {
  const lookups = [
    createRequire(path.join(projectFolder, 'package.json')),
    createRequire(import.meta.url),
  ];
  for (const lookup of lookups) {
    const file = resolve(lookup);
    if (file !== null) return load(lookup, file);
  }
  throw new ModelError({
    code: 'provider-not-installed',
    message: `The local model needs the package ${PACKAGE}, which is not installed. Run "npm install ${PACKAGE}" in the project folder, or set embedding.provider to a hosted API.`,
    retryable: false,
    cause: 'not found',
  });
}

function resolve(lookup: NodeJS.Require): string | null {
  try {
    return lookup.resolve(PACKAGE);
  } catch (error) {
    if (isModuleNotFound(error)) return null;
    throw error;
  }
}

/** Its native parts come from packages for each platform, which an installation may have left out. */
function load(lookup: NodeJS.Require, file: string): Transformers {
  try {
    return lookup(file) as Transformers;
  } catch (error) {
    throw new ModelError({
      code: 'provider-not-installed',
      message: `The package ${PACKAGE} is installed, but does not load on this machine. Install it again with "npm install ${PACKAGE}" on this very platform, install scripts allowed.`,
      retryable: false,
      cause: String(error),
    });
  }
}

function isModuleNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
}
