import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { WeightFormat } from './config';
import { DownloadError, FileNotFoundError } from './hub';
import type { Failure, ModelSource } from './protocol';

/** The suffix for a number format in the name of a weights file, as in transformers.js. */
const suffixes: Record<WeightFormat, string> = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
  q4: '_q4',
  bnb4: '_bnb4',
  q4f16: '_q4f16',
  q2: '_q2',
  q2f16: '_q2f16',
  q1: '_q1',
  q1f16: '_q1f16',
};

/** Where a model has the weights of an encoder. */
export function weightsFile(encoder: 'text_model' | 'vision_model', dtype: WeightFormat): string {
  return `onnx/${encoder}${suffixes[dtype]}.onnx`;
}

/**
 * SHA-256 of every file of a local model that affects its vectors, so that other weights make another vector space.
 *
 * @throws ModelError `provider-model-missing`, which lists all missing files
 */
export async function digestModelFolder(folder: string, dtype: WeightFormat): Promise<string> {
  await checkFiles(folder, requiredFiles(dtype));
  const hash = createHash('sha256');
  for (const file of await filesOfModel(folder, dtype))
    await addFile(hash, path.join(folder, file));
  return hash.digest('hex');
}

/** Paths below a complete model folder, in the order of the digest. */
export async function filesOfModel(folder: string, dtype: WeightFormat): Promise<string[]> {
  const files = requiredFiles(dtype);
  return [...files, ...(await externalWeights(folder, files))];
}

export function requiredFiles(dtype: WeightFormat): string[] {
  const weights = (['text_model', 'vision_model'] as const).map((name) => weightsFile(name, dtype));
  return [
    'config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    ...weights,
  ];
}

export async function missingFiles(folder: string, files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map((file) => isFile(path.join(folder, file))));
  return files.filter((_, index) => found[index] === false);
}

/** @throws ModelError `provider-model-missing`, which lists all missing files */
export async function checkFiles(folder: string, files: readonly string[]): Promise<void> {
  const missing = await missingFiles(folder, files);
  if (missing.length === 0) return;
  const what = (await isFolder(folder)) ? `is missing ${missing.join(', ')}` : "doesn't exist";
  throw new ModelError({
    code: 'provider-model-missing',
    message: `The model folder "${folder}" (embedding.model) ${what}. It needs the layout of transformers.js: ${files.join(', ')}.`,
    retryable: false,
    cause: 'not found',
  });
}

/** Weights above 2 GB are in files next to the model: `vision_model.onnx_data`, `vision_model.onnx_data_1`, … */
async function externalWeights(folder: string, files: readonly string[]): Promise<string[]> {
  const names = await readdir(path.join(folder, 'onnx'));
  return names
    .map((name) => `onnx/${name}`)
    .filter((name) => files.some((file) => name.startsWith(`${file}_data`)))
    .sort();
}

async function addFile(hash: Hash, file: string): Promise<void> {
  const { size } = await stat(file);
  hash.update(`${path.basename(file)}\0${String(size)}\0`);
  await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
}

async function isFile(file: string): Promise<boolean> {
  return (await statOrNull(file))?.isFile() ?? false;
}

async function isFolder(folder: string): Promise<boolean> {
  return (await statOrNull(folder))?.isDirectory() ?? false;
}

function statOrNull(file: string): Promise<Awaited<ReturnType<typeof stat>> | null> {
  return stat(file).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  });
}

/** Ends messages about failed downloads. */
const offlineAdvice =
  'To run it without a download, copy the model to a folder on this machine and set embedding.model to its path.';

/**
 * Names the failure of finding, downloading, reading or loading a model's files.
 *
 * @param runtime what loaded them, if anything, such as `onnxruntime-node 1.17.0`
 */
export function loadingFailure(
  error: unknown,
  source: ModelSource,
  runtime: string | null = null,
): ModelError {
  if (error instanceof ModelError) return error;
  const cause = describeChain(error);
  if (error instanceof FileNotFoundError) return missingModel(source, cause);
  if (source.kind === 'hub' && isDownloadFailure(error)) {
    return new ModelError({
      code: 'provider-unavailable',
      message: `The model "${source.name}" can't be downloaded from the Hugging Face Hub (${cause}). The plugin retries. ${offlineAdvice}`,
      retryable: true,
      cause,
    });
  }
  return runtime !== null && needsNewerRuntime.test(cause)
    ? outdatedRuntime(source, runtime, cause)
    : damagedModel(source, cause);
}

/** What ONNX Runtime says of a file format, an operator or an attribute that came after it. */
const needsNewerRuntime =
  /IR version|opset|not a registered function|No Op registered|Could not find an implementation|Unrecognized attribute|nbits_ ==/i;

function outdatedRuntime(source: ModelSource, runtime: string, cause: string): ModelError {
  const name = source.kind === 'folder' ? source.path : source.name;
  return new ModelError({
    code: 'provider-model-missing',
    message: `The model "${name}" needs a newer ONNX Runtime than ${runtime}. Install the latest onnxruntime-node in the project folder, set embedding.dtype to "q8", or choose another model.`,
    retryable: false,
    cause,
  });
}

function missingModel(source: ModelSource, cause: string): ModelError {
  return new ModelError({
    code: 'provider-model-missing',
    message: missingMessage(source, cause),
    retryable: false,
    cause,
  });
}

function missingMessage(source: ModelSource, cause: string): string {
  if (source.kind === 'folder') {
    return `The model folder "${source.path}" (embedding.model) is missing a file (${cause}). Copy the model again.`;
  }
  if (!source.allowDownloads) {
    return `The model "${source.name}" isn't in the cache folder "${source.cacheFolder}", and embedding.allowDownloads is false. ${offlineAdvice}`;
  }
  return `The Hugging Face Hub has no public model "${source.name}" with the required files (${cause}). Check embedding.model and embedding.dtype.`;
}

function damagedModel(source: ModelSource, cause: string): ModelError {
  const [what, advice] =
    source.kind === 'folder'
      ? [`in the folder "${source.path}" (embedding.model)`, 'Copy it again.']
      : [`"${source.name}"`, `Delete its folder in "${source.cacheFolder}" to download it again.`];
  return new ModelError({
    code: 'provider-model-missing',
    message: `The model ${what} can't be loaded: its files may be damaged or need another embedding.dtype. ${advice}`,
    retryable: false,
    cause,
  });
}

/** Errors of fetch, of a broken stream, of the disk, and for an HTTP status. */
function isDownloadFailure(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (each instanceof TypeError && /fetch failed|terminated/.test(each.message)) return true;
    if ('code' in each && /^(E[A-Z]+|UND_ERR_\w+)$/.test(String(each.code))) return true;
    if (each instanceof DownloadError) return true;
  }
  return false;
}

function describeChain(error: unknown): string {
  const words: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause)
    words.push(each.message);
  return words.length === 0 ? String(error) : words.join(': ');
}

/** A failure that the model's process has named; see `Failure`. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function toFailure(error: unknown): Failure {
  if (error instanceof ModelError) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    message: `The model failed: ${message}`,
    retryable: true,
    cause: error instanceof Error ? (error.stack ?? message) : message,
  };
}
