import { ImageSearchRequestError, type SearchResults } from 'strapi-plugin-image-search/client';
import { images, toGalleryImages } from '../../images';

const pagination = { limit: 12 };

export async function GET(request: Request): Promise<Response> {
  const text = new URL(request.url).searchParams.get('text') ?? '';
  return answer(() => images.search(text, { pagination, signal: request.signal }));
}

/** A form with an `image`, which is searched by and not kept. */
export async function POST(request: Request): Promise<Response> {
  const image = (await request.formData()).get('image');
  if (!(image instanceof File))
    return Response.json({ message: 'Send an image.' }, { status: 400 });
  return answer(() => images.search({ image }, { pagination, signal: request.signal }));
}

async function answer(search: () => Promise<SearchResults>): Promise<Response> {
  try {
    const results = await search();
    const isWeak = results.data.length === 0 || results.meta.noCloseMatch === true;
    return Response.json({ items: toGalleryImages(results), isWeak });
  } catch (error) {
    if (!(error instanceof ImageSearchRequestError)) throw error;
    return Response.json({ message: error.message }, { status: error.status });
  }
}
