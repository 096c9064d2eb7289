import type { DuplicatePair } from '../../plugin/src/duplicates/contract';
import { PIXEL_VERSION, type DuplicateVerdict } from '../../plugin/src/matching/contract';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { CROP, copyImage, type CopiedImage, type CopyKind } from './duplicate-images';
import { startDuplicatesApp, verdicts, type DuplicatesApp } from './duplicates-app';
import type { UploadedFile } from './strapi-client';

/** An editorial Strapi with its panel, and pairs of real copies on record. */
export interface DuplicatesPanel extends DuplicatesApp {
  /** Where the panel shows duplicates. */
  readonly path: string;
  /** Uploads an image of the sample library and copies of it, and puts each copy on record as its duplicate. */
  addGroup(concept: string, ...copies: CopyKind[]): Promise<AddedGroup>;
}

export interface AddedGroup {
  original: UploadedFile;
  /** In the order asked for. */
  copies: UploadedFile[];
  pairs: DuplicatePair[];
}

export async function startDuplicatesPanel(): Promise<DuplicatesPanel> {
  const app = await startDuplicatesApp({
    servesPanel: true,
    imageSearch: { indexing: { enabled: false }, duplicates: { trashDays: 30 } },
  });
  const upload = async (image: CopiedImage['original']): Promise<UploadedFile> => {
    const [file] = await app.library.upload(image);
    if (!file) throw new Error(`“${image.fileName}” was not uploaded.`);
    return file;
  };
  return {
    ...app,
    path: '/plugins/image-search/duplicates',
    async addGroup(concept, ...kinds) {
      const images = await copyImage(concept);
      const original = await upload(images.original);
      const copies: UploadedFile[] = [];
      const pairs: DuplicatePair[] = [];
      for (const kind of kinds) {
        const copy = await upload(images[kind]);
        copies.push(copy);
        pairs.push(await app.record(copy.id, [original.id], { verdict: verdictOf[kind] }));
      }
      // Nothing is indexed here.
      const fileIds = [original, ...copies].map(({ id }) => id);
      await app.strapi.db
        .query(INDEX_ENTRY_UID)
        .updateMany({ where: { fileId: { $in: fileIds } }, data: { state: 'indexed' } });
      return { original, copies, pairs };
    },
  };
}

const { alignment } = verdicts.edited;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

/** The original has the lower id: it is the outer one, `one`. */
const verdictOf: Record<CopyKind, DuplicateVerdict> = {
  identical: verdicts.identical,
  resaved: verdicts.sameImage,
  cropped: {
    ...verdicts.edited,
    alignment: { ...alignment, isMirrored: false, region: CROP },
    pixels: {
      version: PIXEL_VERSION,
      differences: { one: [], other: [] },
      quality: {
        edited: { side: 'other', effect: 'cropped' },
        gray: null,
        upscaled: null,
        detail: null,
      },
    },
  },
  mirrored: { ...verdicts.edited, alignment: { ...alignment, isMirrored: true, region: WHOLE } },
};
