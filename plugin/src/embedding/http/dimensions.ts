import type { z } from 'zod';

/** What is known of a model's vectors. */
export interface KnownModel {
  /** Without the path that some servers put before it. */
  name: string;
  /** Every length that it offers, or the shortest and the longest of a range. */
  dimensions: readonly number[] | { from: number; to: number };
}

/** Models that nothing is known of are let through: the server knows its own. */
function findModel(models: readonly KnownModel[], model: string): KnownModel | undefined {
  const name = model.replace(/^.*\//, '').toLowerCase();
  return models.find((known) => known.name === name);
}

/** Finds fault with a length that the model is known not to offer; for a schema's `superRefine`. */
export function checkDimensions(
  models: readonly KnownModel[],
  { model, dimensions }: { model: string; dimensions: number },
  context: z.RefinementCtx,
): void {
  const known = findModel(models, model);
  const isFaulty = context.issues.some(({ path }) => path?.[0] === 'dimensions');
  if (isFaulty || known === undefined || offers(known, dimensions)) return;
  context.addIssue({
    code: 'custom',
    path: ['dimensions'],
    input: dimensions,
    message: `${model} answers vectors of ${describeDimensions(known)}`,
  });
}

/** Whether a model takes a wish for the length of its vectors: not when it is known to have a single one. */
export function offersChoice(models: readonly KnownModel[], model: string): boolean {
  const offered = findModel(models, model)?.dimensions;
  return offered === undefined || 'from' in offered || offered.length > 1;
}

function offers({ dimensions }: KnownModel, length: number): boolean {
  if ('from' in dimensions) return length >= dimensions.from && length <= dimensions.to;
  return dimensions.includes(length);
}

function describeDimensions({ dimensions }: KnownModel): string {
  return 'from' in dimensions
    ? `${String(dimensions.from)} to ${String(dimensions.to)}`
    : dimensions
        .map(String)
        .join(', ')
        .replace(/, (\d+)$/, ' or $1');
}

/** `jina-clip-v2: 64 to 1024; …`, for the README. */
export function listModels(models: readonly KnownModel[]): string {
  return models.map((known) => `${known.name}: ${describeDimensions(known)}`).join('; ');
}
