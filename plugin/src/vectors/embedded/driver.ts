import { ImageSearchError } from '../../errors';
import { detectPackageManager, isPackageMissing, requirePackage } from '../../package-manager';

/** What a column can hold. */
export type SqlValue = number | string | Uint8Array;

/** A prepared statement. Blobs in rows are Uint8Arrays. */
export interface SqlStatement<Values extends SqlValue[], Row extends object> {
  run(...values: Values): unknown;
  get(...values: Values): Row | undefined;
  all(...values: Values): Row[];
  /** No other statement may run before it's exhausted. */
  iterate(...values: Values): Iterable<Row>;
}

/** An open connection. Errors have a `code` that begins with `SQLITE_`. */
export interface SqlDatabase {
  exec(sql: string): unknown;
  prepare<Values extends SqlValue[] = [], Row extends object = object>(
    sql: string,
  ): SqlStatement<Values, Row>;
  close(): unknown;
}

export interface SqlDriver {
  readonly name: DriverName;
  /** Opens the file, and creates it if it's missing, but not its folder. */
  open(file: string): SqlDatabase;
}

/**
 * The drivers, best first. They read each other's files, and respect each other's locks.
 *
 * - `node:sqlite` is part of Node.js from 22.13 on.
 * - `better-sqlite3` is part of every Strapi project on SQLite, but has to be built.
 * - `libsql`, an optional dependency, comes prebuilt for every platform from the npm registry.
 */
export const driverNames = ['node:sqlite', 'better-sqlite3', 'libsql'] as const;
export type DriverName = (typeof driverNames)[number];

export interface DriverOptions {
  /** Packages are looked for here first, then where this plugin is installed. */
  projectFolder: string;
  /** Those to try, best first. @default all of them */
  drivers?: readonly DriverName[] | undefined;
}

/**
 * Loads the best driver that works here.
 *
 * @throws ImageSearchError `store-not-installed`, which says why each one failed and what to run
 */
export function loadDriver({ projectFolder, drivers = driverNames }: DriverOptions): SqlDriver {
  const failures: DriverFailure[] = [];
  for (const name of drivers) {
    try {
      const driver = { name, open: load(name, projectFolder) };
      // The native part of better-sqlite3 is loaded with the first database, not with the package.
      driver.open(':memory:').close();
      return driver;
    } catch (error) {
      failures.push({ name, error });
    }
  }
  throw nothingInstalled(failures, projectFolder);
}

interface DriverFailure {
  name: DriverName;
  error: unknown;
}

function nothingInstalled(
  failures: readonly DriverFailure[],
  projectFolder: string,
): ImageSearchError {
  const manager = detectPackageManager(projectFolder);
  const reasons = failures.map(({ name, error }) => `${name} ${explain(error)}`);
  const isUnbuilt = failures.some(
    ({ name, error }) => name === 'better-sqlite3' && !isPackageMissing(error),
  );
  const ways = [
    'update Node.js to 22.13 or later, which includes SQLite',
    `run "${manager.install('libsql')}" in the project folder`,
    ...(isUnbuilt
      ? [`run "${manager.build('better-sqlite3')}" there to build better-sqlite3`]
      : []),
  ];
  return new ImageSearchError({
    code: 'store-not-installed',
    message: `The embedded vector store has no SQLite driver: ${reasons.join('; ')}. Either ${ways.join(', or ')}. Then restart Strapi.`,
    retryable: false,
    cause: failures[0]?.error,
  });
}

function explain(error: unknown): string {
  if (isPackageMissing(error)) return "isn't installed";
  const message = String((error as { message?: unknown } | null)?.message ?? error);
  return `doesn't load (${message.split('\n')[0] ?? ''})`;
}

function load(name: DriverName, projectFolder: string): SqlDriver['open'] {
  switch (name) {
    case 'node:sqlite':
      return loadBuiltIn();
    case 'better-sqlite3': {
      const Database = requirePackage(name, projectFolder) as PackageClass;
      return (file) => new Database(file);
    }
    case 'libsql': {
      const Database = requirePackage(name, projectFolder) as PackageClass;
      return (file) => adaptLibsql(openLibsql(Database, file));
    }
  }
}

/** The class that better-sqlite3 exports, and libsql after it. */
type PackageClass = new (file: string) => SqlDatabase;

/** A part of `node:sqlite`. Older Node.js doesn't have it, or hides it behind a flag. */
interface BuiltInModule {
  DatabaseSync: new (file: string) => SqlDatabase;
}

function loadBuiltIn(): SqlDriver['open'] {
  const found = withoutWarnings(() => process.getBuiltinModule('node:sqlite')) as
    BuiltInModule | undefined;
  if (found === undefined) {
    const message = `Node.js ${process.versions.node} doesn't include it`;
    throw Object.assign(new Error(message), { code: 'ERR_UNKNOWN_BUILTIN_MODULE' });
  }
  return (file) => nameErrors(() => adaptBuiltIn(new found.DatabaseSync(file)));
}

/** Node.js 22 warns in the log of every site that the module is experimental. */
function withoutWarnings<Result>(work: () => Result): Result {
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return work();
  } finally {
    if (original !== undefined) Object.defineProperty(process, 'emitWarning', original);
  }
}

/** Gives errors the codes that better-sqlite3 gives them. */
function adaptBuiltIn(database: SqlDatabase): SqlDatabase {
  return {
    exec: (sql) => nameErrors(() => database.exec(sql)),
    prepare<Values extends SqlValue[], Row extends object>(sql: string): SqlStatement<Values, Row> {
      const statement = nameErrors(() => database.prepare<Values, Row>(sql));
      return {
        run: (...values) => nameErrors(() => statement.run(...values)),
        get: (...values) => nameErrors(() => statement.get(...values)),
        all: (...values) => nameErrors(() => statement.all(...values)),
        *iterate(...values) {
          try {
            yield* statement.iterate(...values);
          } catch (error) {
            throw withCode(error);
          }
        },
      };
    },
    close: () => database.close(),
  };
}

/** SQLite's primary result codes; the extended ones have further bits. */
const resultCodes: Record<number, string> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  19: 'CONSTRAINT',
  23: 'AUTH',
  26: 'NOTADB',
};

function nameErrors<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw withCode(error);
  }
}

function withCode(error: unknown): unknown {
  if (isBuiltInError(error)) error.code = `SQLITE_${resultCodes[error.errcode & 0xff] ?? 'ERROR'}`;
  return error;
}

function isBuiltInError(error: unknown): error is Error & { code: string; errcode: number } {
  return typeof error === 'object' && error !== null && 'errcode' in error && 'code' in error;
}

function openLibsql(Database: PackageClass, file: string): SqlDatabase {
  try {
    return new Database(file);
  } catch (error) {
    // The only error without a code.
    throw Object.assign(new Error(`unable to open ${file}`, { cause: error }), {
      code: 'SQLITE_CANTOPEN',
    });
  }
}

/** libsql returns blobs as ArrayBuffers, except from `get`. */
function adaptLibsql(database: SqlDatabase): SqlDatabase {
  return {
    exec: (sql) => database.exec(sql),
    prepare<Values extends SqlValue[], Row extends object>(sql: string): SqlStatement<Values, Row> {
      const statement = database.prepare<Values, Row>(sql);
      return {
        run: (...values) => statement.run(...values),
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values).map(viewBlobs),
        *iterate(...values) {
          for (const row of statement.iterate(...values)) yield viewBlobs(row);
        },
      };
    },
    close: () => database.close(),
  };
}

function viewBlobs<Row extends object>(row: Row): Row {
  const columns = row as Record<string, unknown>;
  for (const [name, value] of Object.entries(columns)) {
    if (value instanceof ArrayBuffer) columns[name] = new Uint8Array(value);
  }
  return row;
}
