import sharp from 'sharp';
import { createSeededRandom } from '../../sample/seeded-random';

const SIDE = 240;
const SPOTS = 30;

/** A square image with a lot of detail; the same name gives the same image. */
export function patternedImage(name: string): Promise<Buffer> {
  const random = createSeededRandom(name);
  const paint = (): string =>
    `hsl(${String(random.integer(0, 359))},60%,${String(random.integer(15, 85))}%)`;
  const spots = Array.from({ length: SPOTS }, () => {
    const [x, y, radius] = [
      random.integer(0, SIDE),
      random.integer(0, SIDE),
      random.integer(8, 45),
    ];
    return `<circle cx="${String(x)}" cy="${String(y)}" r="${String(radius)}" fill="${paint()}"/>`;
  });
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(SIDE)}" height="${String(SIDE)}">` +
    `<rect width="100%" height="100%" fill="${paint()}"/>${spots.join('')}</svg>`;
  return sharp(Buffer.from(drawing)).png().toBuffer();
}

/** Images of `patternedImage` in rows, with a white gap between them. */
export function besideEachOther(
  images: readonly Buffer[],
  { columns = images.length, gap = 0 }: { columns?: number; gap?: number } = {},
): Promise<Buffer> {
  const rows = Math.ceil(images.length / columns);
  return sharp({
    create: {
      width: columns * SIDE + (columns - 1) * gap,
      height: rows * SIDE + (rows - 1) * gap,
      channels: 3,
      background: '#fff',
    },
  })
    .composite(
      images.map((input, index) => ({
        input,
        left: (index % columns) * (SIDE + gap),
        top: Math.floor(index / columns) * (SIDE + gap),
      })),
    )
    .jpeg({ quality: 90 })
    .toBuffer();
}
