import { sampleConcepts, type SampleConcept, type SampleGroup } from './concepts';
import {
  editImage,
  renderDrawing,
  type Background,
  type Drawing,
  type Edit,
  type ImageFormat,
} from './drawing';
import { createAlternativeText, createFileName } from './file-names';
import { createSeededRandom, type SeededRandom } from './seeded-random';

/** How an image is made: a drawing, which is then edited if the image is a duplicate. */
export interface ImageRecipe {
  drawing: Drawing;
  edit: Edit;
}

/** One image of the sample library as an editor would have uploaded it. */
export interface SampleImage {
  /** What it shows: an English label in lowercase, words joined by hyphens. */
  concept: string;
  group: SampleGroup;
  /** Unique in the library. */
  fileName: string;
  mimeType: `image/${ImageFormat}`;
  /** Folder names joined by `/`; null for the top of the library. */
  folder: string | null;
  alternativeText?: string;
  /** File name of the image that this one is a copy of. */
  duplicateOf?: string;
  recipe: ImageRecipe;
}

const FOLDERS = [
  null,
  'Uploads',
  'Uploads',
  'Blog',
  'Blog/2023',
  'Campaigns/2023',
  'Campaigns/2024',
  'Products',
] as const;

const SOFT_COLORS = ['#fdf3e3', '#e8f1fb', '#eef7ea', '#fbeaee', '#f0ebf9', '#f2f2f0'] as const;

/** Unmarked copies in the library. */
const DUPLICATES: readonly (readonly [concept: string, edit: Edit])[] = [
  ['red-apple', { kind: 'none' }],
  ['guitar', { kind: 'none' }],
  ['teapot', { kind: 'none' }],
  ['red-apple', { kind: 'encode', format: 'jpeg', quality: 40 }],
  ['dog', { kind: 'encode', format: 'jpeg', quality: 50 }],
  ['pizza', { kind: 'encode', format: 'webp', quality: 60 }],
  ['sailboat', { kind: 'encode', format: 'png', quality: 100 }],
  ['butterfly', { kind: 'encode', format: 'jpeg', quality: 70 }],
  ['bicycle', { kind: 'resize', factor: 0.5 }],
  ['owl', { kind: 'resize', factor: 0.6 }],
  ['croissant', { kind: 'resize', factor: 0.75 }],
  ['castle', { kind: 'resize', factor: 0.5 }],
  ['dress', { kind: 'resize', factor: 0.8 }],
  ['sunflower', { kind: 'crop', keep: 0.9 }],
  ['elephant', { kind: 'crop', keep: 0.85 }],
  ['rainbow', { kind: 'crop', keep: 0.9 }],
  ['camera', { kind: 'crop', keep: 0.85 }],
  ['hammer', { kind: 'crop', keep: 0.9 }],
];

/** About 300 images, always the same ones in the same order. */
export const sampleLibrary: readonly SampleImage[] = createLibrary();

/** Encodes an image as it would be uploaded. The bytes are the same every time under the same version of sharp. */
export async function renderSampleImage({ recipe }: SampleImage): Promise<Buffer> {
  return await editImage(await renderDrawing(recipe.drawing), recipe.edit, recipe.drawing);
}

function createLibrary(): SampleImage[] {
  const taken = new Set<string>();
  const add = (image: SampleImage): SampleImage => {
    taken.add(image.fileName);
    return image;
  };
  const originals = sampleConcepts.map((concept) => add(createOriginal(concept, taken)));
  const duplicates = DUPLICATES.map(([concept, edit], index) => {
    const original = originals.find((image) => image.concept === concept);
    if (!original) throw new RangeError(`The sample library has no "${concept}" to copy.`);
    return add(createDuplicate({ original, edit, seed: `duplicate ${String(index)}`, taken }));
  });
  return [...originals, ...duplicates];
}

function createOriginal(
  { concept, group }: SampleConcept,
  taken: ReadonlySet<string>,
): SampleImage {
  const random = createSeededRandom(concept);
  const format = random.pick(['jpeg', 'jpeg', 'jpeg', 'png', 'webp']);
  const alternativeText = createAlternativeText(concept, random);
  return {
    concept,
    group,
    fileName: createFileName({ concept, format, random, taken }),
    mimeType: `image/${format}`,
    folder: random.pick(FOLDERS),
    ...(alternativeText === undefined ? {} : { alternativeText }),
    recipe: { drawing: createDrawing(concept, format, random), edit: { kind: 'none' } },
  };
}

interface DuplicateRequest {
  original: SampleImage;
  edit: Edit;
  seed: string;
  taken: ReadonlySet<string>;
}

function createDuplicate({ original, edit, seed, taken }: DuplicateRequest): SampleImage {
  const random = createSeededRandom(seed);
  const { concept, group, recipe } = original;
  const format = edit.kind === 'encode' ? edit.format : recipe.drawing.format;
  return {
    concept,
    group,
    fileName: createFileName({ concept, format, random, taken }),
    mimeType: `image/${format}`,
    folder: random.pick(FOLDERS),
    duplicateOf: original.fileName,
    recipe: { drawing: recipe.drawing, edit },
  };
}

/** PNGs have fewer pixels because they take more bytes. The motif is large whatever the image's shape. */
function createDrawing(icon: string, format: ImageFormat, random: SeededRandom): Drawing {
  const aspectRatio = random.pick([1, 1, 1, 4 / 3, 4 / 3, 3 / 4, 3 / 2]);
  const shorterSide = random.integer(300, format === 'jpeg' ? 1060 : 640);
  const longerSide = Math.round(shorterSide * Math.max(aspectRatio, 1 / aspectRatio));
  return {
    icon,
    format,
    width: aspectRatio >= 1 ? longerSide : shorterSide,
    height: aspectRatio >= 1 ? shorterSide : longerSide,
    background: createBackground(format, random),
    motif: rounded(random.between(0.78, 0.95)),
    position: { x: rounded(random.between(0.3, 0.7)), y: rounded(random.between(0.35, 0.65)) },
    rotation: random.chance(0.3) ? random.integer(-8, 8) : 0,
    quality: random.integer(72, 92),
  };
}

function createBackground(format: ImageFormat, random: SeededRandom): Background {
  if (format !== 'jpeg' && random.chance(0.3)) return { kind: 'transparent' };
  const look = random.fraction();
  if (look < 0.5) return { kind: 'plain', color: '#ffffff' };
  if (look < 0.85) return { kind: 'plain', color: random.pick(SOFT_COLORS) };
  return { kind: 'gradient', from: random.pick(SOFT_COLORS), to: '#ffffff' };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
