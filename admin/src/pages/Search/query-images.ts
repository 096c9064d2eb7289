import { useCallback, useState } from 'react';
import * as z from 'zod';
import { PLUGIN_ID } from '../../../../plugin/src/contracts/identity';

/** An image to search with that is not in the library. */
export interface QueryImage {
  /** Identifies the image within its browser tab. */
  key: string;
  name: string;
  blob: Blob;
  /** A data URL; null for a format that the browser can't draw. */
  preview: string | null;
}

/** In pixels. No model uses more, and a smaller copy fits into session storage. */
const MAX_EDGE = 768;
const QUALITY = 0.9;
/** Session storage holds a few megabytes. */
const MAX_KEPT = 8;

const storedSchema = z.array(z.object({ key: z.string(), name: z.string(), preview: z.string() }));
const STORAGE_KEY = `${PLUGIN_ID}.images`;

/**
 * The images that this browser tab searches with, which an address can't hold. Those that the browser can draw survive
 * a reload.
 */
export function useQueryImages(): {
  find: (key: string) => QueryImage | null;
  add: (file: File) => Promise<QueryImage>;
} {
  const [images, setImages] = useState<readonly QueryImage[]>(readStored);

  const add = useCallback(
    async (file: File) => {
      const image = await toQueryImage(file);
      const kept = [...images, image].slice(-MAX_KEPT);
      setImages(kept);
      store(kept);
      return image;
    },
    [images],
  );

  const find = useCallback(
    (key: string) => images.find((image) => image.key === key) ?? null,
    [images],
  );

  return { find, add };
}

async function toQueryImage(file: File): Promise<QueryImage> {
  const key = crypto.getRandomValues(new Uint32Array(2)).join('-');
  const name = file.name || 'image';
  const preview = await drawSmall(file);
  return { key, name, preview, blob: preview === null ? file : toBlob(preview) };
}

/** A small copy as a data URL; null if the browser can't draw the file, which the server still might. */
async function drawSmall(file: File): Promise<string | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const scale = Math.min(1, MAX_EDGE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL('image/webp', QUALITY);
}

function toBlob(dataUrl: string): Blob {
  const [head = '', data = ''] = dataUrl.split(',');
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? '';
  return new Blob([Uint8Array.from(atob(data), (character) => character.charCodeAt(0))], { type });
}

function readStored(): QueryImage[] {
  try {
    const stored = storedSchema.parse(JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '[]'));
    return stored.map((image) => ({ ...image, blob: toBlob(image.preview) }));
  } catch {
    return [];
  }
}

function store(images: readonly QueryImage[]): void {
  const drawable = images.flatMap(({ key, name, preview }) =>
    preview === null ? [] : [{ key, name, preview }],
  );
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(drawable));
  } catch {
    // Session storage is full or disabled: the images last until the page reloads.
  }
}
