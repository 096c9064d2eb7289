import * as z from 'zod';

const formatSchema = z.object({
  url: z.string(),
  width: z.number().nullish(),
  height: z.number().nullish(),
});

/** An upload file, as far as the panel shows it; what a role may not see of it is missing. */
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
  /** Smaller copies, by Strapi's names for them. */
  formats: z.record(z.string(), formatSchema).nullish().catch(null),
  alternativeText: z.string().nullish(),
  caption: z.string().nullish(),
  createdAt: z.string().nullish(),
  folder: z.object({ id: z.number(), name: z.string() }).nullish().catch(null),
});

export type Asset = z.output<typeof assetSchema>;

declare global {
  interface Window {
    /** Where Strapi's panel finds its server. */
    strapi: { backendURL: string };
  }
}

/** Of a file or of one of its copies: what is stored beside Strapi is named without a host. */
export function absoluteUrl(url: string): string {
  return url.startsWith('/') ? `${window.strapi.backendURL.replace(/\/$/, '')}${url}` : url;
}

/** Every size there is of a picture, for an `img`'s `srcset`; undefined when there is one alone. */
export function sourceSet({ formats, url, width }: Asset): string | undefined {
  const copies = Object.values(formats ?? {}).flatMap((format) =>
    format.width ? [`${absoluteUrl(format.url)} ${String(format.width)}w`] : [],
  );
  if (copies.length === 0) return undefined;
  return (width ? [...copies, `${absoluteUrl(url)} ${String(width)}w`] : copies).join(', ');
}

/** The smallest copy there is. */
export function thumbnailUrl({ formats, url }: Asset): string {
  return absoluteUrl(formats?.['thumbnail']?.url ?? url);
}
