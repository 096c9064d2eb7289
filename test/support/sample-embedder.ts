import { openEmbedder, type Embedder } from '../../sample/evaluation/embedder';
import { sampleModelFolder } from './paths';

export type SampleEmbedder = Embedder;

/** The sample model behind a server double: images arrive encoded and are prepared as that model was trained. */
export function openSampleEmbedder(): Promise<SampleEmbedder> {
  return openEmbedder(sampleModelFolder);
}
