import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import {
  checkConfiguredStore,
  checkMachine,
  checkModels,
  checkFfmpeg,
  checkTextReader,
  checkNativeParts,
  checkProviders,
  failed,
  passed,
} from '../../../plugin/src/application/checks';
import { parseConfig, type ImageSearchConfig } from '../../../plugin/src/config';
import { checkIds, type Check } from '../../../plugin/src/contracts/checks';
import { toImageSearchError } from '../../../plugin/src/errors';
import type { ImageSearch } from '../composition';
import { PLUGIN_ID } from '../plugin-id';
import { ExitCode, usage, UsageError } from './command-line';

/** Checks the installation, prints a line per check and returns the exit code: 1 if anything failed. */
export async function runDoctor(given: readonly string[]): Promise<number> {
  try {
    const { json, models, purge, yes } = readOptions(given);
    if (purge) return await runPurge({ isConfirmed: yes, includesModels: models });
    const checks = await checkProject(process.cwd());
    write(json ? `${JSON.stringify({ data: { checks } }, null, 2)}\n` : describe(checks));
    return checks.some(({ status }) => status === 'failed') ? ExitCode.failed : ExitCode.done;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    return ExitCode.wrongUsage;
  }
}

/** Not through `process.stdout`: while a project is loaded, what it prints there goes to stderr. */
function write(text: string): void {
  writeSync(1, text);
}

/** Every check that is possible here. Never rejects. */
async function checkProject(folder: string): Promise<Check[]> {
  const checks = checkMachine(folder);
  const config = await readConfig(folder, checks);
  if (config !== null) {
    checks.push(checkFfmpeg(config), ...checkTextReader(config, folder));
    checks.push(...checkNativeParts(config, folder));
    checks.push(...(await checkProviders(config, folder)));
  }
  checks.push(...(await checkStrapi(folder, config)));
  return inOrder(checks);
}

async function readConfig(folder: string, checks: Check[]): Promise<ImageSearchConfig | null> {
  try {
    const { readPluginConfig } = await import('./project');
    const config = parseConfig(readPluginConfig(folder));
    const { embedding, vectors } = config;
    checks.push(passed('configuration', `Provider ${embedding.provider}, store ${vectors.store}.`));
    return config;
  } catch (error) {
    checks.push(failed('configuration', messageOf(error), 'Correct it, and restart Strapi.'));
    return null;
  }
}

/** What needs the project's Strapi; the rest of it if that can't be loaded. */
async function checkStrapi(folder: string, config: ImageSearchConfig | null): Promise<Check[]> {
  try {
    const { loadProject } = await import('./project');
    const { strapi, close } = await loadProject(folder);
    try {
      if (!(PLUGIN_ID in strapi.plugins)) {
        return [
          failed(
            'strapi',
            'Strapi loads, but without this plugin.',
            `Enable it: '${PLUGIN_ID}': { enabled: true } in config/plugins.`,
          ),
        ];
      }
      const imageSearch = strapi.plugin(PLUGIN_ID).service<ImageSearch>('image-search');
      const checks = await imageSearch.checkInstallation();
      await imageSearch.stop();
      return [
        passed('strapi', `Strapi ${strapi.config.get<string>('info.strapi')} loads the project.`),
        ...checks,
      ];
    } finally {
      await close();
    }
  } catch (error) {
    const rest =
      config === null
        ? []
        : [...(await checkModels(config, folder)), await checkConfiguredStore(config, folder)];
    return [
      failed(
        'strapi',
        `Strapi can't load the project: ${messageOf(error)}`,
        'Correct it; the database, storage and permissions are checked then.',
      ),
      ...rest,
    ];
  }
}

/** Of checks that were made twice, the first and the failed ones stay. */
function inOrder(checks: readonly Check[]): Check[] {
  const seen = new Set<string>();
  return checkIds
    .flatMap((id) => checks.filter((check) => check.id === id))
    .filter((check) => {
      const key = `${check.id} ${check.status === 'ok' ? check.status : check.found}`;
      const isNew = !seen.has(key) || check.id === 'storage';
      seen.add(key);
      return isNew;
    });
}

const marks = { ok: '✓', warning: '!', failed: '✗' } as const;
const names: Record<Check['id'], string> = {
  node: 'Node.js',
  'package-manager': 'Package manager',
  sharp: 'sharp',
  heic: 'HEIC decoder',
  pdf: 'PDF reader',
  ffmpeg: 'ffmpeg',
  ocr: 'Text in images',
  sqlite: 'SQLite driver',
  configuration: 'Configuration',
  runtime: 'ONNX runtime',
  model: 'Model',
  hub: 'Hugging Face Hub',
  provider: 'Embedding',
  store: 'Vector store',
  strapi: 'Strapi',
  database: 'Database',
  index: 'Index',
  storage: 'Storage',
  permissions: 'Permissions',
};

function describe(checks: readonly Check[]): string {
  return checks
    .map(({ id, status, found, advice }) => {
      const line = `${marks[status]} ${names[id]}: ${found}`;
      return `${line}${advice === null ? '' : ` → ${advice}`}\n`;
    })
    .join('');
}

function messageOf(error: unknown): string {
  return toImageSearchError(error).message.trim();
}

/** Deletes what the plugin keeps outside the database, and lets Strapi drop its tables. */
async function runPurge(options: {
  isConfirmed: boolean;
  includesModels: boolean;
}): Promise<number> {
  const projectFolder = process.cwd();
  try {
    const [{ loadProject }, { planPurge }, { releaseTables }, { forgetDatabaseIdentity }] =
      await Promise.all([
        import('./project'),
        import('../../../plugin/src/application/purge'),
        import('../migrations'),
        import('../repositories/database-identity'),
      ]);
    const project = await loadProject(projectFolder);
    try {
      const { strapi } = project;
      const { store } = strapi.plugin(PLUGIN_ID).service<ImageSearch>('image-search');
      const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
      const plan = await planPurge({
        config,
        store,
        projectFolder,
        includesModels: options.includesModels,
      });
      const targets = [
        ...plan.targets,
        "the plugin's tables, ignored pairs and usage included, once Strapi starts without it",
      ];
      console.error(`This deletes:\n${targets.map((target) => `  - ${target}\n`).join('')}`);
      if (!options.isConfirmed && !(await isConfirmed())) {
        console.error('Nothing was deleted. Add --yes to delete without a question.');
        return ExitCode.failed;
      }
      await plan.run();
      await releaseTables(strapi);
      await forgetDatabaseIdentity(strapi);
      console.error('Deleted. Remove the plugin before you start Strapi again.');
      return ExitCode.done;
    } finally {
      await project.close();
    }
  } catch (error) {
    console.error(messageOf(error));
    return ExitCode.failed;
  }
}

/** No without a terminal. */
async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Stop Strapi first. Type "yes" to continue: ');
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}

interface DoctorOptions {
  json: boolean;
  purge: boolean;
  models: boolean;
  yes: boolean;
}

function readOptions(given: readonly string[]): DoctorOptions {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: {
        json: { type: 'boolean', default: false },
        purge: { type: 'boolean', default: false },
        models: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
      },
    });
    if (!values.purge && (values.models || values.yes)) {
      throw new UsageError('--models and --yes belong to --purge.');
    }
    return values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message);
  }
}
