import * as z from 'zod';
import { isShownByBrowsers as isShownType } from '../../../plugin/src/contracts/file-kinds';

const formatSchema = z.object({
  url: z.string(),
  width: z.number().nullish(),
  height: z.number().nullish(),
});

/** An upload file, as far as the panel shows it; without the fields that the role may not see. */
export const assetSchema = z.object({
  id: z.number(),
  name: z.string().default(''),
  url: z.string().default(''),
  mime: z.string().default(''),
  ext: z.string().nullish(),
  /** In kilobytes of 1,000 bytes. */
  size: z.number().nullish(),
  width: z.number().nullish(),
  height: z.number().nullish(),
  /** Smaller copies, by Strapi's names. */
  formats: z.record(z.string(), formatSchema).nullish().catch(null),
  alternativeText: z.string().nullish(),
  caption: z.string().nullish(),
  createdAt: z.string().nullish(),
  updatedAt: z.string().nullish(),
  folder: z.object({ id: z.number(), name: z.string() }).nullish().catch(null),
});

export type Asset = z.output<typeof assetSchema>;

declare global {
  interface Window {
    /** Set by Strapi's panel. */
    strapi: { backendURL: string };
  }
}

/** The URL of a file or copy. Local files are stored without a host. */
export function absoluteUrl(url: string): string {
  return url.startsWith('/') ? `${window.strapi.backendURL.replace(/\/$/, '')}${url}` : url;
}

/** Every size of an image, for `srcset`; undefined when there is only one. */
export function sourceSet({ formats, url, width }: Asset): string | undefined {
  const copies = Object.values(formats ?? {}).flatMap((format) =>
    format.width ? [`${absoluteUrl(format.url)} ${String(format.width)}w`] : [],
  );
  if (copies.length === 0) return undefined;
  return (width ? [...copies, `${absoluteUrl(url)} ${String(width)}w`] : copies).join(', ');
}

/** Whether browsers show the file itself as an image; a role may not see of which type it is. */
export function isShownByBrowsers({ mime }: Pick<Asset, 'mime'>): boolean {
  return mime === '' || isShownType(mime);
}

/** The smallest copy, otherwise the original. */
export function thumbnailUrl({ formats, url }: Asset): string {
  return absoluteUrl(formats?.['thumbnail']?.url ?? url);
}
