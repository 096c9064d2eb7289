import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ImageSearchConfig } from '../config';
import type { Check, CheckId } from '../contracts/checks';
import { locateModel } from '../embedding/clip/description';
import { FileNotFoundError, findOnHub, hostOfHub } from '../embedding/clip/hub';
import { missingFiles, ModelError, requiredFiles } from '../embedding/clip/model-files';
import type { HubSource } from '../embedding/clip/protocol';
import { loadRuntime } from '../embedding/clip/runtime';
import {
  isLocalProvider,
  openEmbeddingProvider,
  splitFallback,
  type EmbeddingConfig,
} from '../embedding/registry';
import { ImageSearchError, toImageSearchError } from '../errors';
import { findHeicDecoder, HEIC_DECODER } from '../images/heic';
import { findTextReader } from '../images/ocr';
import { PDF_READER, pdfReaderProblem } from '../images/pdf';
import { findFfmpeg } from '../images/video';
import type { Logger } from '../logger';
import { detectPackageManager } from '../package-manager';
import type { VectorStore } from '../vectors/contract';
import { openVectorStore } from '../vectors/registry';
import { loadDriver } from '../vectors/embedded/driver';

/** As `engines` in package.json. */
const MINIMUM_NODE = [20, 19] as const;
const HUB_TIMEOUT_MS = 3_000;
const PROVIDER_TIMEOUT_MS = 30_000;

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function passed(id: CheckId, found: string): Check {
  return { id, status: 'ok', found, advice: null };
}

export function warned(id: CheckId, found: string, advice: string): Check {
  return { id, status: 'warning', found, advice };
}

export function failed(id: CheckId, found: string, advice: string): Check {
  return { id, status: 'failed', found, advice };
}

/** Node.js, the package manager and what decodes images: what every configuration needs. */
export function checkMachine(projectFolder: string): Check[] {
  const { name, version } = detectPackageManager(projectFolder);
  return [
    checkNode(process.versions.node),
    passed('package-manager', version === null ? name : `${name} ${version}`),
    checkSharp(projectFolder),
    checkHeicDecoder(projectFolder),
    checkPdfReader(projectFolder),
  ];
}

/** Optional, so it's never a warning. */
function checkHeicDecoder(projectFolder: string): Check {
  if (findHeicDecoder(projectFolder) !== null) {
    return passed('heic', `${HEIC_DECODER} is installed.`);
  }
  const install = detectPackageManager(projectFolder).install(HEIC_DECODER);
  return passed(
    'heic',
    `${HEIC_DECODER} isn't installed, so HEIC images are skipped. To index them, run "${install}".`,
  );
}

function checkPdfReader(projectFolder: string): Check {
  const problem = pdfReaderProblem(projectFolder);
  return passed('pdf', problem?.message ?? `${PDF_READER} is installed.`);
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = MINIMUM_NODE;
  const found = `Node.js ${version}`;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) {
    return passed('node', found);
  }
  return failed('node', found, `Update Node.js to ${MINIMUM_NODE.join('.')} or later.`);
}

function checkSharp(projectFolder: string): Check {
  const manager = detectPackageManager(projectFolder);
  try {
    const { versions } = createRequire(import.meta.url)('sharp') as {
      versions: { sharp?: string; vips: string };
    };
    return passed('sharp', `sharp ${versions.sharp ?? ''}, libvips ${versions.vips}`);
  } catch (error) {
    return failed(
      'sharp',
      `sharp doesn't load: ${firstLineOf(error)}`,
      `Run "${manager.install('sharp')}" on this machine, with optional dependencies.`,
    );
  }
}

/** Optional, so it's never a warning. */
export function checkFfmpeg({ indexing }: ImageSearchConfig): Check {
  const found = findFfmpeg(indexing.ffmpeg);
  return passed(
    'ffmpeg',
    found === null
      ? `There is no ${indexing.ffmpeg}, so videos are skipped. To index them, install ffmpeg or set indexing.ffmpeg to its path, and restart Strapi.`
      : `${found} is there.`,
  );
}

/** None unless languages are configured. */
export function checkTextReader(
  { ocr: { languages }, words }: ImageSearchConfig,
  projectFolder: string,
): Check[] {
  if (languages.length === 0) return [];
  const found = findTextReader(projectFolder, languages);
  const list = languages.join(', ');
  if (found instanceof ImageSearchError) {
    return [warned('ocr', `Text in images isn't read (${list}).`, found.message)];
  }
  if (!words.enabled) {
    const advice = 'Set words.enabled to true, or ocr.languages to [].';
    return [warned('ocr', 'Text in images is read, but words are not searched.', advice)];
  }
  return [passed('ocr', `Text in images is read in: ${list}.`)];
}

/** What the configured store and model need on this machine. Loads them, so it's for a process of its own. */
export function checkNativeParts(config: ImageSearchConfig, projectFolder: string): Check[] {
  return [
    ...(config.vectors.store === 'embedded' ? [checkDriver(projectFolder)] : []),
    ...(localModelsOf(config).length > 0 ? [checkRuntime(projectFolder)] : []),
  ];
}

function checkDriver(projectFolder: string): Check {
  try {
    const { name } = loadDriver({ projectFolder });
    return passed('sqlite', `${name} loads.`);
  } catch (error) {
    return failedBy('sqlite', error);
  }
}

function checkRuntime(projectFolder: string): Check {
  try {
    const { name } = loadRuntime(projectFolder);
    return passed('runtime', `${name} loads.`);
  } catch (error) {
    return failedBy('runtime', error instanceof ModelError ? error.failure : error);
  }
}

/** Splits a message of this plugin, which ends with what to do. */
function failedBy(id: CheckId, error: unknown): Check {
  const message =
    error instanceof Error ? error.message : String((error as { message?: unknown }).message);
  const [found = message, ...advice] = message.split(/(?<=\.) (?=Run |Either |Set |Check |Copy )/);
  return { id, status: 'failed', found, advice: advice.length > 0 ? advice.join(' ') : null };
}

type ClipConfig = Extract<EmbeddingConfig, { provider: 'clip' }>;

function localModelsOf({ embedding: configured }: ImageSearchConfig): ClipConfig[] {
  const { embedding, fallback } = splitFallback(configured);
  return [embedding, fallback].filter((model): model is ClipConfig => model?.provider === 'clip');
}

/** Whether local models are complete, and if not, whether they can be downloaded. */
export async function checkModels(
  config: ImageSearchConfig,
  projectFolder: string,
): Promise<Check[]> {
  const checks = localModelsOf(config).map((model) => checkModel(model, projectFolder));
  return (await Promise.all(checks)).flat();
}

async function checkModel(config: ClipConfig, projectFolder: string): Promise<Check[]> {
  const source = locateModel(config, projectFolder);
  if (source.kind === 'folder') {
    const missing = await missingFiles(source.path, requiredFiles(config.dtype));
    if (missing.length === 0) return [passed('model', `${source.path} is complete.`)];
    const found = existsSync(source.path)
      ? `${source.path} is missing ${missing.join(', ')}.`
      : `${source.path} doesn't exist.`;
    return [failed('model', found, 'Copy the model there, or change embedding.model.')];
  }
  const { allowDownloads, cacheFolder, name } = source;
  const missing = await missingFiles(path.join(cacheFolder, name), requiredFiles(config.dtype));
  if (missing.length === 0) return [passed('model', `${name} is in ${cacheFolder}.`)];
  if (!allowDownloads) {
    return [
      failed(
        'model',
        `${name} isn't complete in ${cacheFolder}: ${missing.join(', ')} missing.`,
        "Copy the model there, or to a folder that embedding.model names: embedding.allowDownloads is false, so it isn't downloaded.",
      ),
    ];
  }
  return [
    passed('model', `${name} isn't in ${cacheFolder} yet. The first image downloads it.`),
    await checkHub(source),
  ];
}

async function checkHub(source: HubSource): Promise<Check> {
  const host = hostOfHub(source);
  try {
    await findOnHub(source, HUB_TIMEOUT_MS);
    return passed('hub', `${host} has ${source.name}.`);
  } catch (error) {
    if (error instanceof FileNotFoundError) {
      return failed(
        'hub',
        `${host} has no model ${source.name} for you (${error.message}).`,
        'Check embedding.model. A private model needs an access token in HF_TOKEN.',
      );
    }
    return failed(
      'hub',
      `${host} can't be reached: ${firstLineOf(error)}`,
      'Allow the connection, set HTTPS_PROXY if there is a proxy, set HF_ENDPOINT to a mirror, or copy the model to a folder and set embedding.model to its path.',
    );
  }
}

/** Has each model that needs no download embed a text. A hosted one charges for it as for a search. */
export async function checkProviders(
  config: ImageSearchConfig,
  projectFolder: string,
): Promise<Check[]> {
  const { embedding, fallback } = splitFallback(config.embedding);
  const checks = [embedding, fallback].map(async (model) => {
    if (model === null || !(await isReady(model, projectFolder))) return [];
    return [await checkProvider(model, projectFolder)];
  });
  return (await Promise.all(checks)).flat();
}

async function isReady(config: EmbeddingConfig, projectFolder: string): Promise<boolean> {
  if (config.provider !== 'clip') return true;
  const source = locateModel(config, projectFolder);
  const folder =
    source.kind === 'folder' ? source.path : path.join(source.cacheFolder, source.name);
  return (await missingFiles(folder, requiredFiles(config.dtype))).length === 0;
}

async function checkProvider(config: EmbeddingConfig, projectFolder: string): Promise<Check> {
  const signal = AbortSignal.timeout(PROVIDER_TIMEOUT_MS);
  try {
    const provider = await openEmbeddingProvider(config, {
      logger: silent,
      projectFolder,
      onProgress: () => undefined,
    });
    try {
      return describeHealth('provider', await provider.checkHealth({ signal }), config);
    } finally {
      await provider.dispose();
    }
  } catch (error) {
    return failedBy('provider', toImageSearchError(error));
  }
}

function describeHealth(
  id: CheckId,
  { ok, message }: { ok: boolean; message: string },
  { provider }: { provider: string },
): Check {
  if (ok) return passed(id, message);
  return failed(
    id,
    message,
    isLocalProvider(provider)
      ? 'Check embedding in config/plugins and restart Strapi.'
      : 'Check embedding.baseURL, embedding.apiKey and embedding.model in config/plugins.',
  );
}

const storeAdvice = {
  embedded: 'Check vectors.path in config/plugins, and that Strapi may write there.',
  postgres: 'Check vectors.url in config/plugins, or config/database without one.',
  qdrant: 'Check vectors.url and vectors.apiKey in config/plugins.',
};

/** Whether the store opens, whose vectors it has and how many. Doesn't create the embedded store's file. */
export async function checkStore(
  { vectors }: ImageSearchConfig,
  store: VectorStore,
  projectFolder: string,
): Promise<Check> {
  if (vectors.store === 'embedded') {
    const file = path.resolve(projectFolder, vectors.path);
    if (!existsSync(file)) {
      return passed('store', `${file} doesn't exist yet. The first image creates it.`);
    }
  }
  const { ok, message } = await store.checkHealth();
  const advice = storeAdvice[vectors.store];
  if (!ok) return failed('store', message, advice);
  try {
    const spaces = await store.listSpaces();
    const counts = await Promise.all(
      spaces.map(async (space) => {
        const count = await (await store.ensureSpace(space)).count();
        return `${space.model}: ${count.toLocaleString('en')} vectors`;
      }),
    );
    return passed(
      'store',
      [message, ...(counts.length > 0 ? [`${counts.join('; ')}.`] : [])].join(' '),
    );
  } catch (error) {
    return failed('store', toImageSearchError(error).message, advice);
  }
}

/** The same without a server. */
export async function checkConfiguredStore(
  config: ImageSearchConfig,
  projectFolder: string,
): Promise<Check> {
  const store = openVectorStore(config.vectors, {
    projectFolder,
    hostDatabase: 'unknown',
    logger: silent,
    isCommand: true,
    onLoss: () => undefined,
  });
  try {
    return await checkStore(config, store, projectFolder);
  } finally {
    await store.dispose();
  }
}

function firstLineOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return (message === '' && typeof code === 'string' ? code : message).split('\n')[0] ?? '';
}
