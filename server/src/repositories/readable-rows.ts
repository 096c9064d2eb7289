import { z } from 'zod';
import type { Logger } from '../../../plugin/src/logger';

const idSchema = z.object({ id: z.number() });

/**
 * Parses rows one by one, in order. A row that can't be parsed is skipped and logged once, so that it doesn't hide the
 * others.
 */
export function createRowReader<Value>(options: {
  /** The kind of row, such as "image trace". */
  name: string;
  /** @throws ZodError for an invalid row */
  read: (row: unknown) => Value;
  logger: Logger;
}): (rows: readonly unknown[]) => Value[] {
  const { logger, name, read } = options;
  const logged = new Set<number | undefined>();
  return (rows) =>
    rows.flatMap((row) => {
      try {
        return [read(row)];
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        const id = idSchema.safeParse(row).data?.id;
        if (logged.has(id)) return [];
        logged.add(id);
        const places = error.issues.map(({ path }) => path.join('.')).join(', ');
        logger.warn(`Skipped the ${name} with id ${String(id)}: ${places} can't be parsed.`);
        return [];
      }
    });
}
