import { useCallback, useState } from 'react';
import * as z from 'zod';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import type { QueryPicture } from './search';

/** No model looks at more; and so it fits into the tab's storage. */
const LONGEST_SIDE = 768;
const QUALITY = 0.9;
/** The tab's storage holds some megabytes. */
const MOST_KEPT = 8;

const storedSchema = z.array(z.object({ key: z.string(), name: z.string(), preview: z.string() }));
const STORAGE_KEY = `${PLUGIN_ID}.pictures`;

/**
 * Pictures to search with that are not in the library: kept in this browser tab, because an address cannot hold them.
 * Those that the browser can draw outlive a reload.
 */
export function useQueryPictures(): {
  find: (key: string) => QueryPicture | null;
  add: (file: File) => Promise<QueryPicture>;
} {
  const [pictures, setPictures] = useState<readonly QueryPicture[]>(readStored);

  const add = useCallback(
    async (file: File) => {
      const picture = await prepare(file);
      const kept = [...pictures, picture].slice(-MOST_KEPT);
      setPictures(kept);
      store(kept);
      return picture;
    },
    [pictures],
  );

  const find = useCallback(
    (key: string) => pictures.find((picture) => picture.key === key) ?? null,
    [pictures],
  );

  return { find, add };
}

async function prepare(file: File): Promise<QueryPicture> {
  const key = crypto.getRandomValues(new Uint32Array(2)).join('-');
  const name = file.name || 'picture';
  const preview = await drawSmall(file);
  return { key, name, preview, blob: preview === null ? file : toBlob(preview) };
}

/** A small copy as a data URL; null when the browser cannot draw the file: the server may. */
async function drawSmall(file: File): Promise<string | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
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

function readStored(): QueryPicture[] {
  try {
    const stored = storedSchema.parse(JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '[]'));
    return stored.map((picture) => ({ ...picture, blob: toBlob(picture.preview) }));
  } catch {
    return [];
  }
}

function store(pictures: readonly QueryPicture[]): void {
  const drawable = pictures.flatMap(({ key, name, preview }) =>
    preview === null ? [] : [{ key, name, preview }],
  );
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(drawable));
  } catch {
    // The storage is full or switched off: the pictures last as long as the page.
  }
}
