import type { ImageSearch } from '../../server/src/composition';
import { renderSamplePicture, sampleLibrary, type SamplePicture } from '../../sample/library';
import { startStrapi, type StartOptions, type StrapiApp } from './strapi-app';

/** What everybody may call in most search tests. */
export const publicSearchActions = [
  'plugin::image-search.search.find',
  'plugin::image-search.similar.find',
  'plugin::image-search.embeddings.create',
];

const UPLOADS_AT_ONCE = 4;

/** A picture of the sample library that was uploaded. */
export interface LibraryFile {
  id: number;
  picture: SamplePicture;
}

export interface SearchApp extends StrapiApp {
  /** In the order in which the pictures were given. */
  readonly files: readonly LibraryFile[];
  /** The first file that shows this. */
  fileOf(concept: string): LibraryFile;
}

/** The originals of the sample library that show these things, in this order. */
export function picturesOf(concepts: readonly string[]): SamplePicture[] {
  return concepts.map((concept) => {
    const picture = sampleLibrary.find((candidate) => candidate.concept === concept);
    if (!picture) throw new RangeError(`The sample library has no picture of "${concept}".`);
    return picture;
  });
}

/** Boots the app with these pictures uploaded and indexed, and everybody allowed to search unless said otherwise. */
export async function startSearchApp({
  pictures,
  publicActions = publicSearchActions,
  ...options
}: StartOptions & {
  pictures: readonly SamplePicture[];
  publicActions?: readonly string[];
}): Promise<SearchApp> {
  const app = await startStrapi(options);
  try {
    const files = await uploadPictures(app, pictures);
    await app.waitUntilIndexed();
    await app.grantPublic(publicActions);
    return {
      ...app,
      files,
      fileOf(concept) {
        const file = files.find(({ picture }) => picture.concept === concept);
        if (!file) throw new RangeError(`No picture of "${concept}" was uploaded.`);
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

async function uploadPictures(
  app: StrapiApp,
  pictures: readonly SamplePicture[],
): Promise<LibraryFile[]> {
  const files: LibraryFile[] = [];
  for (let start = 0; start < pictures.length; start += UPLOADS_AT_ONCE) {
    const uploads = pictures.slice(start, start + UPLOADS_AT_ONCE).map(async (picture) => {
      const bytes = await renderSamplePicture(picture);
      const { id } = await app.uploadThroughAdmin(bytes, picture.fileName);
      return { id, picture };
    });
    files.push(...(await Promise.all(uploads)));
  }
  return files;
}
