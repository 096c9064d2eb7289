import { createImageSearch, ImageSearchRequestError } from 'strapi-plugin-image-search/client';
import type { SearchResults } from 'strapi-plugin-image-search/client';

/** Asks Strapi on the server, so the token never reaches a browser. */
export const images = createImageSearch({
  baseURL: `${process.env.STRAPI_URL ?? 'http://localhost:1337'}/api`,
  auth: process.env.STRAPI_TOKEN,
});

export interface Found {
  results: SearchResults['data'];
  status: string;
}

/** The results of a search, or what went wrong, as a page shows them. */
export async function find(name: string, search: () => Promise<SearchResults>): Promise<Found> {
  try {
    const { data, meta } = await search();
    const isWeak = data.length === 0 || meta.noCloseMatch === true;
    return {
      results: data,
      status: isWeak ? `No close match for ${name}.` : `Results for ${name}`,
    };
  } catch (error) {
    if (!(error instanceof ImageSearchRequestError)) throw error;
    return { results: [], status: `The search failed: ${error.message}` };
  }
}
