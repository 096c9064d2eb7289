import { deepinfraFormat } from './deepinfra-format';
import type { ImageFormat } from './image-format';
import { infinityFormat } from './infinity-format';
import { jinaFormat } from './jina-format';
import { nvidiaFormat } from './nvidia-format';
import { openrouterFormat } from './openrouter-format';
import { vllmFormat } from './vllm-format';

/** Every value of `embedding.imageFormat`: a new one is its file and a line here. */
export const imageFormats = {
  jina: jinaFormat,
  openrouter: openrouterFormat,
  deepinfra: deepinfraFormat,
  nvidia: nvidiaFormat,
  infinity: infinityFormat,
  vllm: vllmFormat,
} satisfies Record<string, ImageFormat>;

export type ImageFormatName = keyof typeof imageFormats;
export const imageFormatNames = Object.keys(imageFormats) as ImageFormatName[];
