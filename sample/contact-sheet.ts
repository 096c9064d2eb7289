/**
 * `npx tsx sample/contact-sheet.ts [address]`: searches a running demo and draws the results as the README's image,
 * docs/images/search.png.
 */
import path from 'node:path';
import sharp, { type OverlayOptions } from 'sharp';
import { searchResponseSchema } from '../plugin/src/contracts/search';

const QUERIES = ['red fruit', 'rain', 'musical instrument', 'bird', 'vehicle'];
const HITS = 6;
const TILE = 132;
const GAP = 12;
const LABEL = 250;
const output = path.resolve(__dirname, '../docs/images/search.png');

async function main(address: string): Promise<void> {
  const rows = await Promise.all(QUERIES.map((text, row) => drawRow({ address, text, row })));
  await sharp({
    create: {
      width: LABEL + HITS * (TILE + GAP) + GAP,
      height: QUERIES.length * (TILE + GAP) + GAP,
      channels: 3,
      background: '#f6f6f9',
    },
  })
    .composite(rows.flat())
    .png({ palette: true })
    .toFile(output);
  console.log(`Saved to ${path.relative(process.cwd(), output)}.`);
}

async function drawRow(options: {
  address: string;
  text: string;
  row: number;
}): Promise<OverlayOptions[]> {
  const { address, text, row } = options;
  const top = GAP + row * (TILE + GAP);
  const label = `<svg xmlns="http://www.w3.org/2000/svg" width="${String(LABEL)}" height="${String(TILE)}">
    <text x="20" y="${String(TILE / 2 + 6)}" font-family="DejaVu Sans, sans-serif" font-size="16" fill="#32324d">${text}</text></svg>`;
  const files = await search(address, text);
  const tiles = files.map(async (url, column) => ({
    input: await drawTile(new URL(url, address)),
    left: LABEL + column * (TILE + GAP),
    top,
  }));
  return [{ input: Buffer.from(label), left: 0, top }, ...(await Promise.all(tiles))];
}

async function search(address: string, text: string): Promise<string[]> {
  const url = new URL('/api/image-search/search', address);
  url.searchParams.set('text', text);
  url.searchParams.set('pagination[limit]', String(HITS));
  const { data } = searchResponseSchema.parse(await (await fetch(url)).json());
  return data.map(({ file }) => String(file.url));
}

async function drawTile(url: URL): Promise<Buffer> {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  const corners = `<svg width="${String(TILE)}" height="${String(TILE)}"><rect width="100%" height="100%" rx="10"/></svg>`;
  return sharp(bytes)
    .resize(TILE, TILE, { fit: 'contain', background: '#ffffff' })
    .flatten({ background: '#ffffff' })
    .composite([{ input: Buffer.from(corners), blend: 'dest-in' }])
    .png()
    .toBuffer();
}

main(process.argv[2] ?? 'http://127.0.0.1:1337').catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
