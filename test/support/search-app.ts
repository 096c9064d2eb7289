import { renderSampleImage, sampleLibrary, type SampleImage } from '../../sample/library';
import type { ImageSearch } from '../../server/src/composition';
import { startStrapi, type StartOptions, type StrapiApp } from './strapi-app';

/** What everybody may call in most search tests. */
export const publicSearchActions = [
  'plugin::image-search.search.find',
  'plugin::image-search.similar.find',
  'plugin::image-search.embeddings.create',
];

const UPLOADS_AT_ONCE = 4;

/** An image of the sample library that was uploaded. */
export interface LibraryFile {
  id: number;
  image: SampleImage;
}

export interface SearchApp extends StrapiApp {
  /** In the order in which the images were given. */
  readonly files: readonly LibraryFile[];
  /** The first file that shows this. */
  fileOf(concept: string): LibraryFile;
}

/** The originals of the sample library that show these things, in this order. */
export function imagesOf(concepts: readonly string[]): SampleImage[] {
  return concepts.map((concept) => {
    const image = sampleLibrary.find((candidate) => candidate.concept === concept);
    if (!image) throw new RangeError(`The sample library has no image of "${concept}".`);
    return image;
  });
}

/** Boots the app with these images uploaded and indexed, and everybody allowed to search unless said otherwise. */
export async function startSearchApp({
  images,
  publicActions = publicSearchActions,
  ...options
}: StartOptions & {
  images: readonly SampleImage[];
  publicActions?: readonly string[];
}): Promise<SearchApp> {
  const app = await startStrapi(options);
  try {
    const files = await uploadImages(app, images);
    await app.waitUntilIndexed();
    await app.grantPublic(publicActions);
    return {
      ...app,
      files,
      fileOf(concept) {
        const file = files.find(({ image }) => image.concept === concept);
        if (!file) throw new RangeError(`No image of "${concept}" was uploaded.`);
        return file;
      },
    };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

/** The running product behind an app's HTTP faces. */
export function productOf({ strapi }: StrapiApp): ImageSearch {
  return strapi.plugin('image-search').service<ImageSearch>('image-search');
}

async function uploadImages(
  app: StrapiApp,
  images: readonly SampleImage[],
): Promise<LibraryFile[]> {
  const files: LibraryFile[] = [];
  for (let start = 0; start < images.length; start += UPLOADS_AT_ONCE) {
    const uploads = images.slice(start, start + UPLOADS_AT_ONCE).map(async (image) => {
      const bytes = await renderSampleImage(image);
      const { id } = await app.uploadThroughAdmin(bytes, image.fileName);
      return { id, image };
    });
    files.push(...(await Promise.all(uploads)));
  }
  return files;
}
