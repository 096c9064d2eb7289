import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { ImageSearchError, toImageSearchError } from '../../../plugin/src/errors';
import { reviewsFileSchema, exportReviews, importReviews, type ReviewsFile } from '../reviews-file';
import { ExitCode, usage, UsageError } from './command-line';

/** At most so many reviews that found no files are listed. */
const MAX_LISTED = 10;

/** Writes the reviews of the project's database to a file and returns the exit code. */
export function runExportReviews(given: readonly string[]): Promise<number> {
  return reporting(async () => {
    const file = fileOf(given);
    const reviews = await withProject((strapi) => exportReviews(strapi));
    await writeFile(file, `${JSON.stringify(reviews, null, 2)}\n`);
    const { ignoredPairs, usage: records } = reviews;
    console.error(
      `Wrote ${String(ignoredPairs.length)} ignored pairs and ${String(records.length)} usage records to ${file}.`,
    );
  });
}

/** Reads such a file into the project's database and returns the exit code. */
export function runImportReviews(given: readonly string[]): Promise<number> {
  return reporting(async () => {
    const reviews = await readReviews(fileOf(given));
    const report = await withProject((strapi) => importReviews(strapi, reviews));
    console.error(
      `Imported ${String(report.placed)} ignored pairs and ${String(report.usageRecords)} usage records.`,
    );
    if (report.unplaced.length === 0) return;
    console.error(
      `Kept ${String(report.unplaced.length)} more ignored pairs, which have no files with these bytes here yet (SHA-256):`,
    );
    for (const { contentHashes } of report.unplaced.slice(0, MAX_LISTED)) {
      console.error(`  ${contentHashes.join(' ')}`);
    }
    if (report.unplaced.length > MAX_LISTED) console.error('  …');
    console.error('They are ignored as soon as such files are found.');
  });
}

async function withProject<Result>(
  work: (strapi: Core.Strapi) => Promise<Result>,
): Promise<Result> {
  const { loadProject } = await import('./project');
  const project = await loadProject(process.cwd());
  try {
    return await work(project.strapi);
  } finally {
    await project.close();
  }
}

async function readReviews(file: string): Promise<ReviewsFile> {
  const result = reviewsFileSchema.safeParse(parseJson(await readFile(file, 'utf8')));
  if (result.success) return result.data;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `${file} isn't a file of exported reviews:\n${z.prettifyError(result.error)}`,
  });
}

/** Null for a text that isn't JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function reporting(work: () => Promise<void>): Promise<number> {
  try {
    await work();
    return ExitCode.done;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return ExitCode.wrongUsage;
    }
    console.error(toImageSearchError(error).message);
    return ExitCode.failed;
  }
}

function fileOf(given: readonly string[]): string {
  try {
    const [file, ...others] = parseArgs({ args: [...given], allowPositionals: true }).positionals;
    if (file !== undefined && others.length === 0) return file;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message);
  }
  throw new UsageError('Name one file.');
}
