import Link from 'next/link';
import type { GalleryImage } from './images';

/** Images that lead to those like them. */
export function Gallery({ items }: { items: readonly GalleryImage[] }) {
  return (
    <ul className="gallery">
      {items.map(({ alt, id, src }) => (
        <li key={id}>
          <Link href={`/images/${id}`}>
            <img src={src} alt={alt} loading="lazy" />
          </Link>
        </li>
      ))}
    </ul>
  );
}
