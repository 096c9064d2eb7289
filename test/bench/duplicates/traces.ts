import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { EmbeddingProvider } from '../../../plugin/src/embedding/contract';
import type {
  ImagePreparation,
  ImageReader,
  PreparedImage,
} from '../../../plugin/src/images/contract';
import { hashContent } from '../../../plugin/src/images/trace';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { sampleLibrary, renderSampleImage } from '../../../sample/library';
import { createSeededRandom } from '../../../sample/seeded-random';
import { edits, type ExpectedKind } from './edits';

/**
 * Photographs of the test data are tuned on (`tuning`) or only reported (`holdout`); those that were found elsewhere
 * are `unseen`. Artwork is only there to be mistaken.
 */
export type Part = 'tuning' | 'holdout' | 'unseen' | 'artwork';

/** One image as the measurement sees it. */
export interface Subject {
  /** Names the image and what was done to it. */
  name: string;
  /** File name of the image that this is a copy of; its own for an original. */
  original: string;
  /** Null for an original. */
  edit: string | null;
  expected: ExpectedKind | null;
  part: Part;
  trace: ImageTrace;
  /** Unit length. */
  vector: Float32Array;
}

/** As the cache keeps it. */
type StoredSubject = Omit<Subject, 'vector'> & { vector: number[] };

export interface TraceMaker {
  reader: ImageReader;
  provider: EmbeddingProvider;
}

/** Of the unseen photographs, this many are edited, spread over all of them. */
const EDITED_UNSEEN = 300;

/**
 * Photographs of the folder with their edits, unseen ones (some of them with edits), and the sample artwork. What was computed is kept in the cache folder,
 * a file per family, so that judging them again needs neither decoder nor model.
 */
export async function collectSubjects(job: {
  photoFolder: string;
  /** Searched with all folders in it; null when there is none. */
  unseenFolder: string | null;
  cacheFolder: string;
  open: () => Promise<TraceMaker>;
  onProgress: (done: number, all: number) => void;
}): Promise<Subject[]> {
  const { photoFolder, unseenFolder, cacheFolder, onProgress } = job;
  await mkdir(cacheFolder, { recursive: true });
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const opened: { maker?: TraceMaker } = {};
  const maker = async (): Promise<TraceMaker> => (opened.maker ??= await job.open());
  const subjects: Subject[] = [];
  const unseen = unseenFolder === null ? [] : await photographsUnder(unseenFolder);
  const all = names.length + unseen.length + sampleLibrary.length;
  const step = Math.max(1, Math.floor(unseen.length / EDITED_UNSEEN));
  const collect = async (key: string, make: () => Promise<Subject[]>): Promise<void> => {
    const file = path.join(cacheFolder, `${createHash('sha256').update(key).digest('hex')}.json`);
    if (!existsSync(file)) await writeFile(file, stored(await make()));
    subjects.push(...restored(await readFile(file, 'utf8')));
  };
  for (const [index, name] of names.entries()) {
    onProgress(index, all);
    const part = index % 2 === 0 ? 'tuning' : 'holdout';
    await collect(`photograph ${name}`, async () => {
      const image = await readFile(path.join(photoFolder, name));
      return photographFamily({ name, part, image, isEdited: true }, await maker());
    });
  }
  for (const [index, file] of unseen.entries()) {
    onProgress(names.length + index, all);
    const isEdited = index % step === 0;
    await collect(`unseen ${String(isEdited)} ${file}`, async () => {
      const image = await readFile(file);
      const family = { name: path.basename(file), part: 'unseen' as const, image, isEdited };
      return photographFamily(family, await maker());
    });
  }
  for (const [index, image] of sampleLibrary.entries()) {
    onProgress(names.length + unseen.length + index, all);
    await collect(`artwork ${image.fileName}`, async () => {
      const original = image.duplicateOf ?? image.fileName;
      const bytes = await renderSampleImage(image);
      const seen = await look(bytes, await maker());
      const { fileName: name } = image;
      return [{ name, original, edit: null, expected: null, part: 'artwork', ...seen }];
    });
  }
  await opened.maker?.provider.dispose();
  return subjects;
}

async function photographsUnder(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => /[.]jpe?g$/iu.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

function stored(family: readonly Subject[]): string {
  const subjects = family.map(({ vector, ...subject }): StoredSubject => ({
    ...subject,
    vector: Array.from(vector, (value) => Number(value.toFixed(5))),
  }));
  return JSON.stringify({ subjects });
}

function restored(text: string): Subject[] {
  const { subjects } = JSON.parse(text) as { subjects: StoredSubject[] };
  return subjects.map((subject) => ({ ...subject, vector: Float32Array.from(subject.vector) }));
}

async function photographFamily(
  job: { name: string; part: Part; image: Buffer; isEdited: boolean },
  maker: TraceMaker,
): Promise<Subject[]> {
  const { name, part, image, isEdited } = job;
  const common = { original: name, part };
  const family: Subject[] = [
    { name, ...common, edit: null, expected: null, ...(await look(image, maker)) },
  ];
  for (const { name: edit, expected, apply } of isEdited ? edits : []) {
    const bytes = await apply(image, createSeededRandom(`${name} ${edit}`));
    family.push({
      name: `${name}: ${edit}`,
      ...common,
      edit,
      expected,
      ...(await look(bytes, maker)),
    });
  }
  return family;
}

async function look(
  bytes: Buffer,
  { reader, provider }: TraceMaker,
): Promise<Pick<Subject, 'trace' | 'vector'>> {
  const { prepared, trace } = await readTraced(bytes, reader, provider.imagePreparation);
  const [vector = new Float32Array()] = await provider.embedImages([prepared]);
  return { trace, vector };
}

/** What the product would keep of an image. */
export async function traceOf(
  bytes: Buffer,
  reader: ImageReader,
  preparation: ImagePreparation = asClipSees,
): Promise<ImageTrace> {
  return (await readTraced(bytes, reader, preparation)).trace;
}

const asClipSees: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'shortest-edge', size: 224 },
  crop: { width: 224, height: 224 },
  kernel: 'cubic',
};

async function readTraced(
  bytes: Buffer,
  reader: ImageReader,
  preparation: ImagePreparation,
): Promise<{ prepared: PreparedImage; trace: ImageTrace }> {
  const reading = await reader.read(bytes, { preparation, fingerprint: true });
  const { prepared, size, fingerprint = null, onBlack, thumbnail = null } = reading;
  const contentHash = await hashContent(bytes);
  const looks = { fingerprint, thumbnail, ...(onBlack && { onBlack }) };
  return { prepared, trace: { contentHash, ...looks, ...size } };
}
