import { z } from 'zod';
import { fileIdSchema } from '../../../plugin/src/contracts/search';
import { ImageSearchError } from '../../../plugin/src/errors';

/** Of addresses with the id of a file in them. */
export const fileParametersSchema = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d*$/, 'must be the numeric id of a file')
    .transform(Number)
    .pipe(fileIdSchema),
});

/** A body of thousands of wrong items has thousands of faults. */
const MOST_TOLD = 20;

/**
 * What a caller sent, held against its schema. Everything that a caller is to blame for goes through here.
 *
 * @throws ImageSearchError `invalid-input` that names the faults
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  const faults = issues.slice(0, MOST_TOLD).map(describeFault);
  const untold = issues.length - faults.length;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: [...faults, ...(untold > 0 ? [`and ${String(untold)} more`] : [])].join('; '),
    retryable: false,
  });
}

function describeFault({ path, message }: z.core.$ZodIssue): string {
  const key = path.map(String).join('.');
  return key === '' ? message : `${key}: ${message}`;
}
