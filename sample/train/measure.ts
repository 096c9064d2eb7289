/**
 * `npx tsx sample/train/measure.ts FOLDER`: measures the model in that folder through the plugin's own pipeline. Writes
 * the figures to figures.json next to it, and the score below which nothing is close to its config.json.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readEmojiConcepts } from '../evaluation/concepts';
import { openEmbedder } from '../evaluation/embedder';
import { measureSampleModel, type SampleModelFigures } from '../evaluation/figures';

async function main(folder: string): Promise<void> {
  const embedder = await openEmbedder(folder);
  try {
    const figures = await measureSampleModel(embedder, readEmojiConcepts());
    await writeJson(path.join(folder, 'figures.json'), figures);
    await writeCloseScore(path.join(folder, 'config.json'), figures);
    console.log(JSON.stringify(figures, rounded, 2));
  } finally {
    await embedder.close();
  }
}

async function writeCloseScore(file: string, { closeness }: SampleModelFigures): Promise<void> {
  const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeJson(file, { ...config, image_search: { close_score: closeness.closeScore } });
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, rounded, 2)}\n`);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value;
}

main(path.resolve(process.argv[2] ?? path.join(__dirname, '../model'))).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
