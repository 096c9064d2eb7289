import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { startStrapi } from '../../support/strapi-app';
import { loadImages, withDataFolder, type BenchImage } from '../fixtures';
import { enlarge, fillLibrary } from '../indexing';
import { summarize, type Measurement } from '../measurement';
import { writeRandomModel } from '../random-model';

const run = promisify(execFile);
const SMALL_IMAGES = 120;
const LARGE_IMAGES = 24;
const ROUNDS = 3;
const environment = path.resolve(__dirname, '../../../.cache/bench-peers');
const python = path.join(environment, 'bin/python');

/**
 * A first index of photographs, with everything that it includes, beside a Python script that only embeds them: Pillow
 * and ONNX Runtime with the same model, in int8, on one thread and on two. In turn, in one run.
 */
export async function benchPeers(): Promise<Measurement[]> {
  await installPeers();
  return withDataFolder(async (folder) => {
    const small = await loadImages(SMALL_IMAGES);
    const large = await Promise.all(small.slice(0, LARGE_IMAGES).map(enlarge));
    const model = await writeRandomModel(folder, 'q8');
    return [
      ...(await measure({ name: '0.2 megapixels', images: small, model, folder })),
      ...(await measure({ name: '12 megapixels', images: large, model, folder })),
    ];
  });
}

async function installPeers(): Promise<void> {
  if (!existsSync(python)) await run('python3', ['-m', 'venv', environment]);
  const requirements = path.join(__dirname, 'requirements.txt');
  await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
}

async function measure({
  name,
  images,
  model,
  folder,
}: {
  name: string;
  images: readonly BenchImage[];
  model: string;
  folder: string;
}): Promise<Measurement[]> {
  const photographs = path.join(folder, name);
  await mkdir(photographs);
  for (const { bytes, fileName } of images) {
    await writeFile(path.join(photographs, fileName), bytes);
  }
  const embed = async (threads: number): Promise<number> => {
    const weights = path.join(model, 'onnx/vision_model_quantized.onnx');
    const script = path.join(__dirname, 'embed.py');
    return Number((await run(python, [script, weights, photographs, String(threads)])).stdout);
  };
  const app = await startStrapi({
    imageSearch: { embedding: { provider: 'clip', model, dtype: 'q8' } },
  });
  try {
    const library = await fillLibrary(app, images);
    await library.indexAfresh();
    const times: { ours: number; one: number; two: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { totalMs: ours } = await library.indexAfresh();
      times.push({ ours, one: await embed(1), two: await embed(2) });
    }
    const row = (what: string, unit: string, values: number[], limit: number): Measurement =>
      summarize({
        name: `peers, ${name}: ${what}`,
        unit,
        values,
        bar: { kind: 'at most', value: limit },
      });
    return [
      row(
        'first index, per image',
        'ms',
        times.map(({ ours }) => ours),
        150,
      ),
      row(
        'first index, of Python on one thread',
        'ratio',
        times.map(({ ours, one }) => ours / one),
        1.15,
      ),
      row(
        'first index, of Python on two threads',
        'ratio',
        times.map(({ ours, two }) => ours / two),
        1.15,
      ),
    ];
  } finally {
    await app.stop();
  }
}
