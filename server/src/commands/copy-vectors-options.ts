import { parseArgs } from 'node:util';

export const storeKinds = ['embedded', 'qdrant'] as const;

export type StoreKind = (typeof storeKinds)[number];

export interface CopyVectorsOptions {
  from: StoreKind;
  to: StoreKind;
  path: string | undefined;
  url: string | undefined;
  collectionPrefix: string | undefined;
  space: string | undefined;
  removeExtra: boolean;
}

/** The command line makes no sense; the message says where. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads the command line; null when help is asked for.
 *
 * @throws UsageError
 */
export function parseCopyVectorsOptions(given: readonly string[]): CopyVectorsOptions | null {
  const values = readOptions(given);
  if (values.help) return null;
  const from = toStoreKind('--from', values.from);
  const to = toStoreKind('--to', values.to);
  if (from === to) {
    throw new UsageError(`--from and --to are both "${from}": there is nothing to copy.`);
  }
  return {
    from,
    to,
    path: values.path,
    url: values.url,
    collectionPrefix: values['collection-prefix'],
    space: values.space,
    removeExtra: values['remove-extra'] ?? false,
  };
}

function readOptions(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        path: { type: 'string' },
        url: { type: 'string' },
        'collection-prefix': { type: 'string' },
        space: { type: 'string' },
        'remove-extra': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message);
  }
}

function toStoreKind(option: string, value: string | undefined): StoreKind {
  const kind = storeKinds.find((candidate) => candidate === value);
  if (kind !== undefined) return kind;
  const problem = value === undefined ? 'is missing' : `cannot be "${value}"`;
  throw new UsageError(`${option} ${problem}; it is one of ${storeKinds.join(', ')}.`);
}
