#!/usr/bin/env node
import { constants } from 'node:os';
import { ExitCode, usage } from './command-line';
import { runCopyVectors } from './copy-vectors';
import { runExportReviews, runImportReviews } from './reviews';
import { runDoctor } from './doctor';
import { runEvaluate } from './evaluate';

/** The package's program: `npx strapi-plugin-image-search <command>`. */
async function main([command, ...given]: readonly string[]): Promise<number> {
  if (command === 'copy-vectors')
    return runInterruptibly((signal) => runCopyVectors(given, signal));
  if (command === 'doctor') return runDoctor(given);
  if (command === 'evaluate') return runEvaluate(given);
  if (command === 'export-reviews') return runExportReviews(given);
  if (command === 'import-reviews') return runImportReviews(given);
  if (command === '--help' || command === '-h') {
    console.log(usage);
    return ExitCode.done;
  }
  console.error(command === undefined ? usage : `Unknown command "${command}".\n\n${usage}`);
  return ExitCode.wrongUsage;
}

/** The first Ctrl-C aborts the work; a second one ends the process as usual. */
async function runInterruptibly(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interruption = new AbortController();
  const codes: number[] = [];
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      codes.push(128 + constants.signals[name]);
      interruption.abort();
    });
  }
  const result = await work(interruption.signal);
  return result === ExitCode.interrupted ? (codes[0] ?? result) : result;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(ExitCode.failed);
  },
);
