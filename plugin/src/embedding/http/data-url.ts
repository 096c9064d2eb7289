import type { EncodedImage } from '../../images/contract';

export function toBase64({ data }: EncodedImage): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

/** `data:image/jpeg;base64,…` (RFC 2397). */
export function toDataURL(image: EncodedImage): string {
  return `data:${image.mimeType};base64,${toBase64(image)}`;
}
