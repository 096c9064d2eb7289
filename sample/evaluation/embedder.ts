import { clipProvider } from '../../plugin/src/embedding/clip/provider';
import { createImageReader } from '../../plugin/src/images/image-reader';

export interface Embedder {
  /** One vector per input, in order. */
  embed(inputs: readonly ({ text: string } | { image: Buffer })[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Opens a local model through the plugin's own provider. Images are passed encoded and preprocessed for the model. */
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
  const reader = createImageReader({ maxBytes: 1e7, maxPixels: 1e8, timeoutMs: 30_000 });

  const embedOne = async (input: { text: string } | { image: Buffer }): Promise<Float32Array> => {
    const vectors =
      'text' in input
        ? await provider.embedTexts([input.text])
        : await provider.embedImages([
            (await reader.read(input.image, { preparation: provider.imagePreparation })).prepared,
          ]);
    const [vector] = vectors;
    if (vector === undefined) throw new Error('The model returned no vector.');
    return vector;
  };

  return {
    embed: async (inputs) => Promise.all(inputs.map(embedOne)),
    close: () => provider.dispose(),
  };
}

function ignore(): void {
  // A measurement needs no logs or progress.
}
