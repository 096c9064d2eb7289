import Link from 'next/link';
import type { Picture } from './images';

/** Images that lead to those like them. */
export function Gallery({ pictures }: { pictures: readonly Picture[] }) {
  return (
    <ul className="gallery">
      {pictures.map(({ alt, id, src }) => (
        <li key={id}>
          <Link href={`/images/${id}`}>
            <img src={src} alt={alt} loading="lazy" />
          </Link>
        </li>
      ))}
    </ul>
  );
}
