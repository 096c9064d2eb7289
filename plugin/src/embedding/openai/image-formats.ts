import type { ImageFormat } from './image-format';
import { jinaFormat } from './jina-format';

/** Every value of `embedding.imageFormat`: a new one is its file and a line here. */
export const imageFormats = {
  jina: jinaFormat,
} satisfies Record<string, ImageFormat>;

export type ImageFormatName = keyof typeof imageFormats;
export const imageFormatNames = Object.keys(imageFormats) as ImageFormatName[];
