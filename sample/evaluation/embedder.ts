import { clipProvider } from '../../plugin/src/embedding/clip';
import { createPictureReader } from '../../plugin/src/images/contract';

export interface Embedder {
  /** One vector per input, in order. */
  embed(inputs: readonly ({ text: string } | { image: Buffer })[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** A local model behind the product's own provider; pictures arrive encoded and are prepared as the model asks. */
export async function openEmbedder(modelFolder: string): Promise<Embedder> {
  const config = clipProvider.configSchema.parse({
    provider: 'clip',
    model: modelFolder,
    allowDownloads: false,
    threads: 1,
  });
  const provider = await clipProvider.open(config, {
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    projectFolder: modelFolder,
    onProgress: ignore,
  });
  const reader = createPictureReader({ maxBytes: 1e7, maxPixels: 1e8, timeoutMs: 30_000 });

  const embedOne = async (input: { text: string } | { image: Buffer }): Promise<Float32Array> => {
    const vectors =
      'text' in input
        ? await provider.embedTexts([input.text])
        : await provider.embedImages([
            (await reader.read(input.image, { preparation: provider.imagePreparation })).prepared,
          ]);
    const [vector] = vectors;
    if (vector === undefined) throw new Error('The model answered no vector.');
    return vector;
  };

  return {
    embed: async (inputs) => Promise.all(inputs.map(embedOne)),
    close: () => provider.dispose(),
  };
}

function ignore(): void {
  // Nothing of this is of interest to a measurement.
}
