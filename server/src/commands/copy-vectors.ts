import { ImageSearchError } from '../../../plugin/src/errors';
import type { VectorStore } from '../../../plugin/src/vectors/contract';
import { copyVectors, type CopyProgress } from '../../../plugin/src/vectors/copy';
import {
  parseCopyVectorsOptions,
  UsageError,
  type CopyVectorsOptions,
} from './copy-vectors-options';
import { ExitCode } from './exit-code';
import { ProgressReport } from './progress-report';
import { usage } from './usage';

/** Runs the command and says on the terminal what became of it; answers the exit code. */
export async function runCopyVectors(
  given: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  try {
    const options = parseCopyVectorsOptions(given);
    if (options === null) console.log(usage);
    else await copyBetweenStores(options, signal);
    return ExitCode.done;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return ExitCode.wrongUsage;
    }
    if (!(error instanceof ImageSearchError)) throw error;
    console.error(error.message);
    if (!signal.aborted) return ExitCode.failed;
    console.error('Interrupted. Run the same command again to go on where it ended.');
    return ExitCode.interrupted;
  }
}

async function copyBetweenStores(options: CopyVectorsOptions, signal: AbortSignal): Promise<void> {
  // Strapi takes a second to load, and whoever mistypes an option need not wait for it.
  const { openStores } = await import('./copy-vectors-stores');
  const loss = new AbortController();
  const stores = openStores(options, {
    projectFolder: process.cwd(),
    onLoss: () => {
      loss.abort();
    },
  });
  const report = new ProgressReport({
    isTerminal: process.stdout.isTTY,
    write: (text) => process.stdout.write(text),
    now: () => performance.now(),
  });
  try {
    await assertHealthy(stores.source, options.from);
    await assertHealthy(stores.target, options.to);
    const results = await copyVectors({
      source: stores.source,
      target: stores.target,
      spaceId: options.space,
      removeExtra: options.removeExtra,
      onProgress: (progress) => {
        report.tell(progress);
      },
      signal: AbortSignal.any([signal, loss.signal]),
    });
    report.end();
    throwIfLost(loss.signal);
    conclude(results, options, stores.configured);
  } catch (error) {
    report.end();
    throwIfLost(loss.signal);
    throw error;
  } finally {
    await Promise.all([stores.source.dispose(), stores.target.dispose()]);
  }
}

async function assertHealthy(store: VectorStore, name: string): Promise<void> {
  const { ok, message } = await store.checkHealth();
  if (ok) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message: `The store "${name}" does not answer: ${message}`,
    retryable: true,
  });
}

/** A store that has just been set aside looks as if it were empty. */
function throwIfLost(loss: AbortSignal): void {
  if (!loss.aborted) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message: 'The vector file is damaged, see above. Nothing more was copied, and nothing removed.',
    retryable: false,
  });
}

function conclude(
  results: readonly CopyProgress[],
  { from, to, removeExtra }: CopyVectorsOptions,
  configured: string,
): void {
  if (results.length === 0) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: `The store "${from}" has no vectors: are its path, address and collection prefix the right ones?`,
      retryable: false,
    });
  }
  const extra = results.reduce((sum, result) => sum + result.extra, 0);
  if (extra > 0) {
    console.log(
      removeExtra
        ? `Removed ${extra.toLocaleString('en')} vectors that only "${to}" had.`
        : `${extra.toLocaleString('en')} vectors are in "${to}" alone; --remove-extra removes those.`,
    );
  }
  console.log(`All vectors of "${from}" are in "${to}".`);
  if (configured === from) {
    console.log(`Set vectors.store to "${to}" in config/plugins and restart Strapi to use them.`);
  }
}
