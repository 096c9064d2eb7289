import sharp from 'sharp';

/** A PNG file of lines of text: black on white, or white on nothing to lay over another image. */
export function imageWithText(
  lines: readonly string[],
  { isOverlay = false, size = 64 }: { isOverlay?: boolean; size?: number } = {},
): Promise<Buffer> {
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * size * 0.8 + size);
  const height = Math.ceil(lines.length * size * 2 + size);
  const drawn = lines.map(
    (line, index) =>
      `<text x="${String(size / 2)}" y="${String(size * (1.5 + 2 * index))}">${line}</text>`,
  );
  const ground = isOverlay ? '' : '<rect width="100%" height="100%" fill="#fff"/>';
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" font-family="DejaVu Sans, Arial, sans-serif" font-size="${String(size)}" fill="${isOverlay ? '#fff' : '#000'}">${ground}${drawn.join('')}</svg>`,
    ),
  )
    .png()
    .toBuffer();
}
