import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ModelError } from './model-error';
import type { WeightFormat } from './config';

/** How transformers.js marks the number format in the name of a weights file. */
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

/**
 * SHA-256 over every file of a local model that bears on its vectors, so that exchanged weights make another vector
 * space. Fails with `provider-model-missing` naming all files that are not there.
 */
export async function digestModelFolder(folder: string, dtype: WeightFormat): Promise<string> {
  const files = requiredFiles(dtype);
  await checkFiles(folder, files);
  const hash = createHash('sha256');
  for (const file of [...files, ...(await externalWeights(folder, files))]) {
    await addFile(hash, path.join(folder, file));
  }
  return hash.digest('hex');
}

function requiredFiles(dtype: WeightFormat): string[] {
  const weights = ['text_model', 'vision_model'].map(
    (name) => `onnx/${name}${suffixes[dtype]}.onnx`,
  );
  return [
    'config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    ...weights,
  ];
}

async function checkFiles(folder: string, files: readonly string[]): Promise<void> {
  const found = await Promise.all(files.map((file) => isFile(path.join(folder, file))));
  const missing = files.filter((_, index) => found[index] === false);
  if (missing.length === 0) return;
  const what = (await isFolder(folder)) ? `lacks ${missing.join(', ')}` : 'does not exist';
  throw new ModelError({
    code: 'provider-model-missing',
    message: `The model folder "${folder}" (embedding.model) ${what}. It needs the layout of transformers.js: ${files.join(', ')}.`,
    retryable: false,
    cause: 'not found',
  });
}

/** Weights above 2 GB lie in files beside the model: `vision_model.onnx_data`, `vision_model.onnx_data_1`, … */
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
    if (
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    )
      return null;
    throw error;
  });
}
