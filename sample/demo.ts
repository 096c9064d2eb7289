/**
 * `npm run demo`: Strapi with the sample library, indexed by the sample model, without network access. It only writes
 * to one data folder (and the built panel), so a second run continues with the same data.
 */
import type { Core } from '@strapi/strapi';
import { buildAdminPanel, isAdminPanelBuilt } from '../test/support/admin-panel';
import { ensureSuperAdmin, grantPublic } from '../test/support/strapi-accounts';
import {
  createStrapiClient,
  type AdminCredentials,
  type IndexStatus,
} from '../test/support/strapi-client';
import { appFolder } from '../test/support/strapi-environment';
import { readAdministrator } from './demo/administrator';
import { DemoFailure } from './demo/failure';
import { describeProgress, watchIndexing } from './demo/indexing';
import { readOptions, type DemoOptions } from './demo/options';
import { checkPort, prepareDataFolder, startServer } from './demo/server';
import { createSteps } from './demo/terminal';
import { uploadSampleLibrary } from './demo/uploads';

const STOP_WITHIN_MS = 10_000;
const STEPS = 4;
const PUBLIC_ACTIONS = [
  'plugin::image-search.search.find',
  'plugin::image-search.similar.find',
] as const;

async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  await checkPort(options);
  await prepareDataFolder(options);
  const step = createSteps(process.stdout, STEPS);
  await step(
    'Building the admin panel, about a minute the first time',
    () => ensureAdminPanel(options, signal),
    (isNew) => (isNew ? 'Built the admin panel' : 'The admin panel is built already'),
  );
  const administrator = await readAdministrator(options.dataFolder);
  const strapi = await step(
    'Starting Strapi',
    () => startServer(options),
    () => 'Started Strapi',
  );
  const address = strapi.config.get<string>('server.absoluteUrl');
  const panelAddress = strapi.config.get<string>('admin.absoluteUrl');
  await ensureSuperAdmin(strapi, administrator);
  await grantPublic(strapi, PUBLIC_ACTIONS);
  await step(
    'Uploading illustrations',
    (say) => fillLibrary(strapi, { say, signal }),
    (uploaded) =>
      uploaded === 0
        ? 'The illustrations are in the Media Library already'
        : `Uploaded ${String(uploaded)} illustrations`,
  );
  const client = createStrapiClient(address, administrator);
  const status = await step(
    'Indexing what they show',
    (say) => watchIndexing(strapi, client, { say, signal }),
    describeProgress,
  );
  checkOutcome(status);
  printBanner(status, options);
  await printRequests(strapi, address);
  printAccess(administrator, panelAddress);
}

/** Resolves with whether it had to be built. */
async function ensureAdminPanel(
  { dataFolder }: DemoOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (await isAdminPanelBuilt()) return false;
  try {
    await buildAdminPanel(dataFolder, signal);
    return true;
  } catch (error) {
    throw new DemoFailure(
      `${(error as Error).message}\nCouldn't build the admin panel. The build needs about 2 GB of free memory.`,
      { cause: error },
    );
  }
}

/** Resolves with the number of files that weren't there yet. */
async function fillLibrary(
  strapi: Core.Strapi,
  { say, signal }: { say: (text: string) => void; signal: AbortSignal },
): Promise<number> {
  const { uploaded } = await uploadSampleLibrary(strapi, {
    signal,
    onProgress: (done, total) => {
      say(`Uploaded ${String(done)} of ${String(total)} illustrations`);
    },
  });
  return uploaded;
}

function checkOutcome({ counts, provider }: IndexStatus): void {
  const { indexed, failed } = counts;
  if (indexed > 0 && failed > 0) {
    console.log(
      `${String(failed)} images couldn't be indexed. See the Index page of the panel for details.`,
    );
  }
  if (indexed === 0) throw new DemoFailure(`No image could be indexed: ${provider.message}`);
  if (!provider.ok) console.log(`The model may be unavailable: ${provider.message}`);
}

function printBanner({ space, counts }: IndexStatus, { model }: DemoOptions): void {
  const name = model === undefined ? 'the sample model (emoji artwork)' : (space?.model ?? model);
  const dimensions = space === null ? '' : `, ${String(space.dimensions)} dimensions`;
  console.log(`\nModel: ${name}${dimensions}. ${String(counts.indexed)} images are searchable.\n`);
}

/** Prints commands that can be pasted into a shell. */
async function printRequests(strapi: Core.Strapi, address: string): Promise<void> {
  const file = (await strapi.db
    .query('plugin::upload.file')
    .findOne({ orderBy: { id: 'asc' } })) as {
    id: number;
  };
  const api = `${address}/api/image-search`;
  const limit = 'pagination%5Blimit%5D=3';
  const body = JSON.stringify({ text: 'musical instrument', pagination: { limit: 3 } });
  console.log('Search by text, search with JSON, and find images similar to one in the library:\n');
  console.log(`  curl -s '${api}/search?text=fruit&${limit}'`);
  console.log(`  curl -s '${api}/search' -H 'content-type: application/json' -d '${body}'`);
  console.log(`  curl -s '${api}/similar/${String(file.id)}?${limit}'\n`);
}

function printAccess({ email, password }: AdminCredentials, panelAddress: string): void {
  console.log('In the panel, try first:\n');
  console.log(
    '  Image Search → Search      type "musical instrument", or drop an image on the page',
  );
  console.log('  Image Search → Duplicates  compare copies, crops and mirrored versions');
  console.log('  Media Library              upload an image that is there already\n');
  console.log(`email: ${email}`);
  console.log(`password: ${password}`);
  console.log(`ready: ${panelAddress}`);
}

/** Aborted by the first signal that stops the demo. Once Strapi is running, it stops by itself. */
function createStopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) return;
      controller.abort();
      console.log('\nStopping…');
      setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    });
  }
  // Strapi only handles the other two.
  process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  return controller.signal;
}

async function main(): Promise<void> {
  // The reader of the output may close it early (`| head`). The server keeps running.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const signal = createStopSignal();
  try {
    await runDemo(readOptions(process.argv.slice(2), appFolder), signal);
  } catch (error) {
    if (signal.aborted) return;
    console.error(error instanceof DemoFailure ? `\n${error.message}` : error);
    await (globalThis as { strapi?: Core.Strapi }).strapi?.destroy();
    process.exit(1);
  }
}

void main();
