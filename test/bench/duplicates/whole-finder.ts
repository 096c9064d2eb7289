import path from 'node:path';
import { createJudging } from '../../../plugin/src/duplicates/candidate-judging';
import {
  createDuplicateFinder,
  type DuplicateFinderOptions,
} from '../../../plugin/src/duplicates/finder';
import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';
import type { Judge } from '../../../plugin/src/matching/contract';
import type { VectorStore } from '../../../plugin/src/vectors/contract';
import { createEmbeddedStore } from '../../../plugin/src/vectors/embedded';
import { MemoryImageTraces } from '../../support/memory-image-traces';
import { createRecordingLogger } from '../../support/recording-logger';
import { pointOf } from '../../support/vector-points';
import { withDataFolder } from '../fixtures';
import { edits } from './edits';
import type { FalsePair } from './false-pairs';
import { cosine } from './similarity';
import { timeSearches, type SearchTime } from './timed-collection';
import type { Part, Subject } from './traces';

const PREFILTER_FROM = 1_000;

export interface FinderRecall {
  edit: string;
  expected: string;
  /** Of which photographs the copies were made. */
  part: Part;
  images: number;
  /** Parts of the copies whose original was found with the verdict that the edit deserves, and with any. */
  asExpected: number;
  found: number;
}

export interface FinderMeasurement {
  /** Images of the library that is searched: every original, with the unseen photographs and the artwork. */
  library: number;
  recall: FinderRecall[];
  /** Copies that were looked up, and those of them that were taken for another image's. */
  copies: number;
  falsePairs: FalsePair[];
  /** Images of the library that were taken for each other without being known copies. */
  pairsWithinLibrary: FalsePair[];
  /**
   * Originals that were looked up in a library with their collage, and the part whose collage was found; and those that
   * were taken for another image's.
   */
  originalsAfterCollages: { images: number; found: number; falsePairs: FalsePair[] };
  /** Median time to find the duplicates of one image, without the search for its neighbors, in milliseconds. */
  milliseconds: number;
}

/**
 * What the product finds from end to end: neighbors by embedding, a few of them aligned. Every copy is looked up in a
 * library of all originals, then every image of the library in the others.
 */
export function measureFinder(
  subjects: readonly Subject[],
  judge: Judge,
): Promise<FinderMeasurement> {
  const library = subjects.filter(({ edit }) => edit === null);
  const collages = subjects.filter(({ edit }) => edit === 'collage');
  const artwork = library.filter(({ part }) => part === 'artwork');
  return withDataFolder(async (folder) => {
    const opened = await openLibrary(library, path.join(folder, 'vectors.sqlite'));
    const reversed = [...artwork, ...collages];
    const openedReversed = await openLibrary(reversed, path.join(folder, 'collages.sqlite'));
    try {
      return {
        ...(await lookUpAll({ subjects, library, judge, opened })),
        originalsAfterCollages: await lookUpOriginals(
          library.filter(({ part }) => part === 'tuning' || part === 'holdout'),
          { library: reversed, judge, opened: openedReversed },
        ),
      };
    } finally {
      await opened.store.dispose();
      await openedReversed.store.dispose();
    }
  });
}

async function lookUpOriginals(
  originals: readonly Subject[],
  job: { library: readonly Subject[]; judge: Judge; opened: OpenedLibrary },
): Promise<FinderMeasurement['originalsAfterCollages']> {
  const { judge, library, opened } = job;
  const finder = createDuplicateFinder({ ...opened.options, judging: createJudging(() => judge) });
  const falsePairs: FalsePair[] = [];
  let found = 0;
  for (const one of originals) {
    const matches = await finder.find({ trace: one.trace, vector: one.vector, exceptFileId: null });
    const pairs = matches.flatMap(({ fileId, verdict }) => {
      const other = library[fileId - 1];
      return other ? [{ one, other, kind: verdict.kind }] : [];
    });
    if (pairs.some((pair) => !isFalse(pair))) found += 1;
    falsePairs.push(...pairs.filter(isFalse).map(toFalsePair));
  }
  return { images: originals.length, found: found / originals.length, falsePairs };
}

async function lookUpAll({
  subjects,
  library,
  judge,
  opened: { options, searching },
}: {
  subjects: readonly Subject[];
  library: readonly Subject[];
  judge: Judge;
  opened: OpenedLibrary;
}): Promise<Omit<FinderMeasurement, 'originalsAfterCollages'>> {
  const finder = createDuplicateFinder({ ...options, judging: createJudging(() => judge) });
  const times: number[] = [];

  async function look(subject: Subject, exceptFileId: number | null): Promise<Found[]> {
    const { trace, vector } = subject;
    const [start, before] = [performance.now(), searching.milliseconds];
    const matches = await finder.find({ trace, vector, exceptFileId });
    times.push(performance.now() - start - (searching.milliseconds - before));
    return matches.flatMap(({ fileId, verdict }) => {
      const other = library[fileId - 1];
      return other ? [{ one: subject, other, kind: verdict.kind }] : [];
    });
  }

  const copies = subjects.filter(({ edit }) => edit !== null);
  const ofCopies = new Map<Subject, Found[]>();
  for (const copy of copies) ofCopies.set(copy, await look(copy, null));
  const withinLibrary: Found[] = [];
  for (const [index, subject] of library.entries()) {
    withinLibrary.push(...(await look(subject, index + 1)));
  }
  return {
    library: library.length,
    recall: recallOf(ofCopies),
    copies: copies.length,
    falsePairs: [...ofCopies.values()].flat().filter(isFalse).map(toFalsePair),
    pairsWithinLibrary: withinLibrary
      .filter((pair) => isFalse(pair) && pair.one.name < pair.other.name)
      .map(toFalsePair),
    milliseconds: times.sort((one, other) => one - other)[times.length >> 1] ?? Number.NaN,
  };
}

interface Found {
  one: Subject;
  other: Subject;
  kind: string;
}

interface OpenedLibrary {
  store: VectorStore;
  options: Pick<DuplicateFinderOptions, 'traces' | 'openCollection'>;
  searching: SearchTime;
}

async function openLibrary(library: readonly Subject[], file: string): Promise<OpenedLibrary> {
  const traces = new MemoryImageTraces();
  const store = createEmbeddedStore({
    file,
    prefilterFrom: PREFILTER_FROM,
    logger: createRecordingLogger(),
  });
  const collection = await store.ensureSpace(
    createVectorSpace({
      provider: 'clip',
      model: 'measured',
      dimensions: library[0]?.vector.length ?? 0,
      preprocessing: 'none',
    }),
  );
  const files = library.map((subject, index) => ({ ...subject, fileId: index + 1 }));
  await traces.put(files.map(({ fileId, trace }) => ({ ...trace, fileId })));
  await collection.upsert(
    files.map(({ fileId, trace, vector }) => pointOf(fileId, vector, trace.contentHash)),
  );
  const searching = timeSearches(collection);
  const openCollection = () => Promise.resolve(collection);
  return { store, options: { traces, openCollection }, searching };
}

function recallOf(ofCopies: ReadonlyMap<Subject, readonly Found[]>): FinderRecall[] {
  const copies = [...ofCopies].map(([copy, found]) => ({
    copy,
    kinds: found.filter((pair) => !isFalse(pair)).map(({ kind }) => kind),
  }));
  const parts = [...new Set(copies.map(({ copy }) => copy.part))];
  return parts.flatMap((part) =>
    edits.map(({ name, expected }) => {
      const edited = copies.filter(({ copy }) => copy.edit === name && copy.part === part);
      const share = (holds: (kinds: readonly string[]) => boolean): number =>
        edited.filter(({ kinds }) => holds(kinds)).length / edited.length;
      return {
        edit: name,
        expected,
        part,
        images: edited.length,
        asExpected: share((kinds) => kinds.includes(expected)),
        found: share((kinds) => kinds.length > 0),
      };
    }),
  );
}

function isFalse({ one, other }: Found): boolean {
  return one.original !== other.original;
}

function toFalsePair({ one, other, kind }: Found): FalsePair {
  const similarity = cosine(one.vector, other.vector);
  return { one: one.name, other: other.name, kind, similarity };
}
