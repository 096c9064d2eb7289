import { createActiveSpace } from '../../plugin/src/active-space';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import type { ExampleImage, SearchExample, SearchRequest } from '../../plugin/src/search/contract';
import { SearchEngine } from '../../plugin/src/search/engine';
import { QueryEmbedder } from '../../plugin/src/search/query-embedder';
import type { CalibrationSource } from '../../plugin/src/search/relevance/contract';
import type { QueryUrls } from '../../plugin/src/search/query-urls';
import type { TextIndex } from '../../plugin/src/text/contract';
import { createFakeClock } from './fake-clock';
import { hashVector, HashProvider } from './hash-provider';
import { MemoryVectorStore } from './memory-vector-store';
import { MemoryVisibleFiles } from './memory-visible-files';
import { pixelsOf, plainImage, plainImageReader } from './plain-images';
import { createRecordingLogger } from './recording-logger';
import { pointOf } from './vector-points';

/** What the images of the library show; their files are numbered from 1. */
export const subjects = ['a dog', 'a cat', 'a car', 'a boat', 'a tree'];
export const fileIds = subjects.map((_, index) => index + 1);

export const vectorOf = (subject: string): Float32Array =>
  hashVector(pixelsOf(plainImage(subject)).data);

export const text = (words: string): SearchExample => ({ kind: 'text', text: words });
export const file = (fileId: number): SearchExample => ({ kind: 'file', fileId });
export const image = (bytes: Uint8Array): ExampleImage => ({ kind: 'image', bytes });

interface EngineSettings {
  closeScore?: number;
  calibrations?: CalibrationSource;
  text?: TextIndex;
  urls?: QueryUrls;
  /** By default the rig's own provider, at once. */
  openProvider?: () => Promise<EmbeddingProvider>;
}

/** A library of a few images in memory, and an engine that is asked about it. */
export class EngineRig {
  readonly provider = new HashProvider();
  readonly store = new MemoryVectorStore();
  engine = this.createEngine();

  static async create(): Promise<EngineRig> {
    const rig = new EngineRig();
    const collection = await rig.store.ensureSpace(rig.provider.space);
    await collection.upsert(
      fileIds.map((id, index) => pointOf(id, vectorOf(subjects[index] ?? ''))),
    );
    return rig;
  }

  createEngine({
    calibrations,
    closeScore,
    openProvider,
    text,
    urls,
  }: EngineSettings = {}): SearchEngine {
    const activeSpace = createActiveSpace({
      openProvider: openProvider ?? (() => Promise.resolve(this.provider)),
      store: this.store,
      clock: createFakeClock(),
      random: () => 0,
    });
    return new SearchEngine({
      logger: createRecordingLogger(),
      spaces: { activeSpace: () => Promise.resolve(activeSpace) },
      embedder: new QueryEmbedder({
        images: plainImageReader,
        cacheEntries: 10,
        cacheMs: 1_000,
      }),
      // Every vector is that of its file.
      contentHashes: async (_, ids) =>
        (await this.store.ensureSpace(this.provider.space)).contentHashesOf(ids),
      urls: urls ?? null,
      closeScore,
      text: text ?? null,
      ...(calibrations && { calibrations }),
    });
  }

  /** By default of one who may see every image. */
  search(
    request: Pick<SearchRequest, 'like'> & Partial<SearchRequest>,
    visible = new MemoryVisibleFiles(fileIds),
  ) {
    return this.engine.search({ unlike: [], start: 0, limit: 10, ...request }, visible);
  }
}

/** How alike a text and an image of this subject are. */
export function similarityOf(words: string, subject: string): number {
  const query = hashVector(Buffer.from(words));
  return vectorOf(subject).reduce((sum, value, index) => sum + value * (query[index] ?? NaN), 0);
}
