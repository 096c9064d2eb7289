import type { DuplicatePair, DuplicateVerdict } from '../../plugin/src/duplicates/contract';
import { startDuplicatesApp, verdicts, type DuplicatesApp } from './duplicates-app';
import { CROP, copyPicture, type CopiedPicture, type CopyKind } from './duplicate-pictures';
import type { UploadedFile } from './strapi-client';

/** An editorial Strapi with its panel, and pairs of real copies on record. */
export interface DuplicatesPanel extends DuplicatesApp {
  /** Where the panel shows duplicates. */
  readonly path: string;
  /** Uploads a picture of the sample library and copies of it, and puts each copy on record as its duplicate. */
  addGroup(concept: string, ...copies: CopyKind[]): Promise<AddedGroup>;
}

export interface AddedGroup {
  original: UploadedFile;
  /** In the order asked for. */
  copies: UploadedFile[];
  pairs: DuplicatePair[];
}

export async function startDuplicatesPanel(): Promise<DuplicatesPanel> {
  const app = await startDuplicatesApp({ servesPanel: true });
  const upload = async (picture: CopiedPicture['original']): Promise<UploadedFile> => {
    const [file] = await app.library.upload(picture);
    if (!file) throw new Error(`“${picture.fileName}” was not uploaded.`);
    return file;
  };
  return {
    ...app,
    path: '/plugins/image-search/duplicates',
    async addGroup(concept, ...kinds) {
      const pictures = await copyPicture(concept);
      const original = await upload(pictures.original);
      const copies: UploadedFile[] = [];
      const pairs: DuplicatePair[] = [];
      for (const kind of kinds) {
        const copy = await upload(pictures[kind]);
        copies.push(copy);
        pairs.push(await app.record(copy.id, [original.id], { verdict: verdictOf[kind] }));
      }
      return { original, copies, pairs };
    },
  };
}

const { alignment } = verdicts.variant;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

/** The original has the lower id: it is the outer one, `one`. */
const verdictOf: Record<CopyKind, DuplicateVerdict> = {
  identical: verdicts.identical,
  resaved: verdicts.samePicture,
  cropped: { ...verdicts.variant, alignment: { ...alignment, isMirrored: false, region: CROP } },
  mirrored: { ...verdicts.variant, alignment: { ...alignment, isMirrored: true, region: WHOLE } },
};
