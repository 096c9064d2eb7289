import path from 'node:path';

/** The Strapi app that the demo and the tests run. Not by way of paths.ts, which works under Jest only. */
export const appFolder = path.resolve(__dirname, '../app');

/** A database server's own, as Strapi's configuration has it. */
export interface AppDatabase {
  client: 'postgres' | 'mysql';
  connection: Record<string, string>;
}

export interface AppSettings {
  /** The only folder that the app writes to; the caller deletes it. */
  dataFolder: string;
  /** Instead of a SQLite file in the data folder; several apps may share it. */
  database?: AppDatabase;
  /** False leaves the plugin out. */
  isPluginEnabled?: boolean;
  /** The plugin's configuration: sections that name another provider or store replace the app's, others are merged. */
  imageSearch?: Record<string, unknown>;
  /** Whether words and further views are on, as they are by default; see `withoutExtras`. @default false */
  hasExtras?: boolean;
  /** Further environment variables. */
  env?: Record<string, string>;
}

/** The environment variables that make the app run with these settings, on a free port. */
export function createAppEnvironment(settings: AppSettings): Record<string, string> {
  const { dataFolder, database, isPluginEnabled = true, env = {} } = settings;
  const { hasExtras = false, imageSearch = {} } = settings;
  return {
    APP_DATA_FOLDER: dataFolder,
    ...(database && { APP_DATABASE: JSON.stringify(database) }),
    HOST: '127.0.0.1',
    IMAGE_SEARCH_CONFIG: JSON.stringify(hasExtras ? imageSearch : withoutExtras(imageSearch)),
    IMAGE_SEARCH_ENABLED: String(isPluginEnabled),
    LOG_LEVEL: 'error',
    PORT: '0',
    STRAPI_TELEMETRY_DISABLED: 'true',
    ...env,
  };
}

/**
 * Most suites are about images, one vector each: words, further views and calibrated relevance are for those that ask for
 * them (`words: { enabled: true }`, `indexing: { views: {} }`, `search: { calibrate: true }`).
 */
function withoutExtras({ indexing, search, ...others }: Record<string, unknown>) {
  const noViews = { views: { parts: 0, frames: 0, pages: 0, videoFrames: 0 } };
  return {
    words: { enabled: false },
    ...others,
    indexing: { ...noViews, ...(indexing as object) },
    search: { calibrate: false, ...(search as object) },
  };
}
