import { fileKinds, typesOfKind, type FileKind } from '../images/contract';

export { fileKinds, typesOfKind, type FileKind };

const SHOWN_IMAGES =
  /^image\/(a?png|jpe?g|pjpeg|gif|webp|avif|svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)$/;

/** Whether all browsers show such a file as an image: not HEIC, TIFF or JPEG XL. */
export function isShownByBrowsers(mimeType: string): boolean {
  return SHOWN_IMAGES.test(mimeType);
}

/** Null for a file of no kind that can be indexed. */
export function kindOf(mimeType: string): FileKind | null {
  const isOf = (kind: FileKind): boolean => {
    const { exactly, startsWith } = typesOfKind[kind];
    return mimeType === exactly || (startsWith !== undefined && mimeType.startsWith(startsWith));
  };
  return fileKinds.find(isOf) ?? null;
}
