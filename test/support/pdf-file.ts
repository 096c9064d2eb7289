import { buffer } from 'node:stream/consumers';
import { deflateSync } from 'node:zlib';
import PDFDocument from 'pdfkit';
import sharp from 'sharp';

interface Page {
  text?: string;
  /** An image file that fills the page's width. */
  image?: Buffer;
  /** Of its upper half, such as `#ff0000`. */
  color?: string;
}

/** A PDF document. Uncompressed, its text can be read in a hex editor. */
export async function pdfOf(
  pages: readonly Page[],
  { password, size = 'A4' }: { password?: string; size?: 'A4' | [number, number] } = {},
): Promise<Buffer> {
  const document = new PDFDocument({
    autoFirstPage: false,
    size,
    info: { CreationDate: new Date(0) },
    ...(password !== undefined && { userPassword: password, ownerPassword: `${password}!` }),
  });
  for (const { color, image, text } of pages) {
    document.addPage();
    const { height, width } = document.page;
    if (color !== undefined) document.rect(0, 0, width, height / 2).fill(color);
    const jpeg = image && (await sharp(image).flatten({ background: '#ffffff' }).jpeg().toBuffer());
    if (jpeg) document.image(jpeg, 40, 120, { width: width - 80 });
    if (text !== undefined) document.fillColor('#000000').fontSize(18).text(text, 40, 40);
  }
  document.end();
  return buffer(document);
}

/** A document whose last page draws as much as fits into a few kilobytes when deflated, after `intact` usual ones. */
export function bombPdf(megabytes: number, { intact = 0 } = {}): Buffer {
  const content = deflateSync(Buffer.alloc(megabytes * 1_000_000, '0 0 600 800 re f\n'));
  const usual = deflateSync(Buffer.from('0 0 300 800 re f\n'));
  const numbers = Array.from({ length: intact + 1 }, (_, index) => 3 + 2 * index);
  const objects = [
    Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'),
    Buffer.from(
      `<< /Type /Pages /Kids [${numbers.map((number) => `${String(number)} 0 R`).join(' ')}] /Count ${String(numbers.length)} >>`,
    ),
    ...numbers.flatMap((number, index) => [
      Buffer.from(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents ${String(number + 1)} 0 R >>`,
      ),
      streamOf(index < intact ? usual : content),
    ]),
  ];
  const parts = objects.flatMap((object, index) => [
    Buffer.from(`${String(index + 1)} 0 obj\n`),
    object,
    Buffer.from('\nendobj\n'),
  ]);
  return Buffer.concat([
    Buffer.from('%PDF-1.4\n'),
    ...parts,
    Buffer.from(`trailer << /Root 1 0 R /Size ${String(objects.length + 1)} >>\n%%EOF\n`),
  ]);
}

function streamOf(deflated: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`<< /Length ${String(deflated.length)} /Filter /FlateDecode >>\nstream\n`),
    deflated,
    Buffer.from('\nendstream'),
  ]);
}
