import Link from 'next/link';
import { notFound } from 'next/navigation';
import { ImageSearchRequestError } from 'strapi-plugin-image-search/client';
import { Gallery } from '../../gallery';
import { images, toGalleryImages } from '../../images';

/** An image with similar ones below it, as a shop shows similar products. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const id = Number((await params).id);
  const [image, similar] = await Promise.all([
    images.search({}, { filters: { id }, pagination: { limit: 1 } }),
    images.similar(id, { pagination: { limit: 4 } }),
  ]).catch((error: unknown) => {
    if (error instanceof ImageSearchRequestError && error.status < 500) notFound();
    throw error;
  });
  const [item] = toGalleryImages(image);
  if (!item) notFound();
  return (
    <main>
      <p>
        <Link href="/">Search</Link>
      </p>
      <h1>{item.name}</h1>
      <img src={item.src} alt={item.alt} height={320} />
      <h2>Similar images</h2>
      <Gallery items={toGalleryImages(similar)} />
    </main>
  );
}
