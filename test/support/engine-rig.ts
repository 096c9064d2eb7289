import { createActiveSpace } from '../../plugin/src/active-space';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import type { ExampleImage, SearchExample, SearchRequest } from '../../plugin/src/search/contract';
import { SearchEngine } from '../../plugin/src/search/engine';
import { QueryEmbedder } from '../../plugin/src/search/query-embedder';
import type { QueryUrls } from '../../plugin/src/search/query-urls';
import { createFakeClock } from './fake-clock';
import { hashVector, HashProvider } from './hash-provider';
import { MemoryVectorStore } from './memory-vector-store';
import { MemoryVisibleFiles } from './memory-visible-files';
import { pixelsOf, plainPicture, plainPictureReader } from './plain-pictures';
import { createRecordingLogger } from './recording-logger';
import { pointOf } from './vector-points';

/** What the pictures of the library show; their files are numbered from 1. */
export const subjects = ['a dog', 'a cat', 'a car', 'a boat', 'a tree'];
export const fileIds = subjects.map((_, index) => index + 1);

export const vectorOf = (subject: string): Float32Array =>
  hashVector(pixelsOf(plainPicture(subject)).data);

export const text = (words: string): SearchExample => ({ kind: 'text', text: words });
export const file = (fileId: number): SearchExample => ({ kind: 'file', fileId });
export const image = (bytes: Uint8Array): ExampleImage => ({ kind: 'image', bytes });

interface EngineSettings {
  closeScore?: number;
  urls?: QueryUrls;
  /** By default the rig's own provider, at once. */
  openProvider?: () => Promise<EmbeddingProvider>;
}

/** A library of a few pictures in memory, and an engine that is asked about it. */
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

  createEngine({ closeScore, openProvider, urls }: EngineSettings = {}): SearchEngine {
    return new SearchEngine({
      logger: createRecordingLogger(),
      spaces: createActiveSpace({
        openProvider: openProvider ?? (() => Promise.resolve(this.provider)),
        store: this.store,
        clock: createFakeClock(),
        retryAfterMs: 1_000,
      }),
      embedder: new QueryEmbedder({
        pictures: plainPictureReader,
        cacheEntries: 10,
        cacheMs: 1_000,
      }),
      urls: urls ?? null,
      closeScore,
    });
  }

  /** By default of one who may see every picture. */
  search(
    request: Pick<SearchRequest, 'like'> & Partial<SearchRequest>,
    visible = new MemoryVisibleFiles(fileIds),
  ) {
    return this.engine.search({ unlike: [], start: 0, limit: 10, ...request }, visible);
  }
}

/** How alike a text and a picture of this subject are. */
export function similarityOf(words: string, subject: string): number {
  const query = hashVector(Buffer.from(words));
  return vectorOf(subject).reduce((sum, value, index) => sum + value * (query[index] ?? NaN), 0);
}
