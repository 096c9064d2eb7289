import { z } from 'zod';
import type { Logger } from '../../../plugin/src/logger';

const idSchema = z.object({ id: z.number() });

/**
 * Reads rows one by one, in their order. One that cannot be read is left out, and said once, so that it does not hide
 * the others.
 */
export function createRowReader<Value>(options: {
  /** What the rows are, such as "picture trace". */
  name: string;
  /** Fails with a `ZodError` for a row that does not fit. */
  read: (row: unknown) => Value;
  logger: Logger;
}): (rows: readonly unknown[]) => Value[] {
  const { logger, name, read } = options;
  const told = new Set<number | undefined>();
  return (rows) =>
    rows.flatMap((row) => {
      try {
        return [read(row)];
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        const id = idSchema.safeParse(row).data?.id;
        if (told.has(id)) return [];
        told.add(id);
        const places = error.issues.map(({ path }) => path.join('.')).join(', ');
        logger.warn(`The ${name} with the id ${String(id)} is left out: ${places} cannot be read.`);
        return [];
      }
    });
}
