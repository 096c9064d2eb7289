import 'server-only';
import { createImageSearch, type SearchResults } from 'strapi-plugin-image-search/client';

/** Asks Strapi on the server, so the token never reaches a browser. */
export const images = createImageSearch({
  baseURL: `${process.env.STRAPI_URL ?? 'http://localhost:1337'}/api`,
  auth: process.env.STRAPI_TOKEN,
});

export interface GalleryImage {
  id: number;
  name: string;
  alt: string;
  src: string;
}

/** What the page needs of a search. */
export function toGalleryImages({ data }: SearchResults): GalleryImage[] {
  return data.map(({ file }) => ({
    id: file.id,
    name: file.name,
    alt: file.alternativeText ?? file.name,
    src: images.urlOf(file, 'small'),
  }));
}
