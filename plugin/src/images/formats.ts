/**
 * Names what a file is by its first bytes, in the plural, when the decoder doesn't know it: `TGA images`. Undefined for
 * anything unknown.
 */
export function nameFormat(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = file.toString('latin1', 0, TELLING_BYTES);
  const bySignature = signatures.find(({ offset = 0, starts }) =>
    starts.some((signature) => start.startsWith(signature, offset)),
  );
  if (bySignature) return bySignature.name;
  return unsigned.find(({ isFormat }) => isFormat(file))?.name;
}

/** Whether the bytes are a web page, such as an error page that was saved under the name of an image. */
export function isWebPage(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, TELLING_BYTES)).toString('latin1');
  return /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)*<(!doctype\s+html|html|head|body)[\s>]/i.test(
    start,
  );
}

const TELLING_BYTES = 1_024;

interface Signature {
  name: string;
  offset?: number;
  /** As latin-1. */
  starts: readonly string[];
}

const signatures: readonly Signature[] = [
  { name: 'HEIC images', offset: 4, starts: ['ftyphe', 'ftypmif1', 'ftypmsf1'] },
  { name: 'JPEG XL images', starts: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { name: 'JPEG 2000 images', starts: ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'] },
  { name: 'JPEG XR images', starts: ['II\xbc'] },
  { name: 'BMP images', starts: ['BM'] },
  { name: 'ICO images', starts: ['\0\0\x01\0'] },
  { name: 'PSD images', starts: ['8BPS'] },
  { name: 'PCX images', starts: [0, 2, 3, 4, 5].map((version) => `\x0a${chr(version)}\x01`) },
  { name: 'PNM images', starts: ['1', '2', '3', '4', '5', '6', '7'].flatMap(pnmStarts) },
  { name: 'PFM images', starts: ['F', 'f'].flatMap(pnmStarts) },
  { name: 'ICNS images', starts: ['icns'] },
  { name: 'EXR images', starts: ['\x76\x2f\x31\x01'] },
  { name: 'HDR images', starts: ['#?RADIANCE', '#?RGBE'] },
  { name: 'QOI images', starts: ['qoif'] },
  { name: 'DDS images', starts: ['DDS '] },
  { name: 'SGI images', starts: ['\x01\xda\0', '\x01\xda\x01'] },
  { name: 'Sun raster images', starts: ['\x59\xa6\x6a\x95'] },
  { name: 'XPM images', starts: ['/* XPM'] },
  { name: 'XBM images', starts: ['#define '] },
  { name: 'XCF images', starts: ['gimp xcf'] },
  { name: 'BPG images', starts: ['BPG\xfb'] },
  { name: 'FLIF images', starts: ['FLIF'] },
  { name: 'MNG images', starts: ['\x8aMNG', '\x8bJNG'] },
  { name: 'FITS images', starts: ['SIMPLE  ='] },
  { name: 'DICOM images', offset: 128, starts: ['DICM'] },
  { name: 'DjVu documents', starts: ['AT&TFORM'] },
  { name: 'ILBM images', offset: 8, starts: ['ILBM', 'PBM '] },
  { name: 'WMF images', starts: ['\xd7\xcd\xc6\x9a'] },
  { name: 'EMF images', offset: 40, starts: [' EMF'] },
  { name: 'EPS images', starts: ['%!PS', '\xc5\xd0\xd3\xc6'] },
  {
    name: 'Camera raw images',
    starts: ['FUJIFILMCCD-RAW', 'IIRO', 'IIRS', 'IIU\0', '\0\0\0\x18ftypcrx'],
  },
  { name: 'PDF documents', starts: ['%PDF-'] },
  { name: 'ZIP archives', starts: ['PK\x03\x04'] },
  { name: 'WebM videos', starts: ['\x1a\x45\xdf\xa3'] },
  { name: 'AVI videos', offset: 8, starts: ['AVI '] },
  {
    name: 'MP4 videos',
    offset: 4,
    starts: ['ftypisom', 'ftypiso', 'ftypmp4', 'ftypavc1', 'ftypM4V', 'ftypqt', 'ftyp3gp'],
  },
];

function chr(code: number): string {
  return String.fromCharCode(code);
}

function pnmStarts(letter: string): string[] {
  return [' ', '\n', '\r', '\t'].map((space) => `P${letter}${space}`);
}

/** Formats without a signature, which are told by a header that makes sense. */
const unsigned: readonly { name: string; isFormat: (file: Buffer) => boolean }[] = [
  { name: 'CUR images', isFormat: isCursor },
  { name: 'DIB images', isFormat: isBitmapWithoutFileHeader },
  { name: 'TGA images', isFormat: isTarga },
];

const CURSOR_HEADER_BYTES = 22;

function isCursor(file: Buffer): boolean {
  if (file.length < CURSOR_HEADER_BYTES) return false;
  const count = file.readUInt16LE(4);
  const offset = file.readUInt32LE(18);
  return (
    file.readUInt32LE(0) === 0x0002_0000 && count > 0 && file[9] === 0 && offset >= 6 + 16 * count
  );
}

function isBitmapWithoutFileHeader(file: Buffer): boolean {
  if (file.length < 40) return false;
  const isKnownHeader = [40, 52, 56, 64, 108, 124].includes(file.readUInt32LE(0));
  const depths = [1, 4, 8, 16, 24, 32];
  return isKnownHeader && file.readUInt16LE(12) === 1 && depths.includes(file.readUInt16LE(14));
}

const TARGA_HEADER_BYTES = 18;
const TARGA_FOOTER = 'TRUEVISION-XFILE';

/** "Truevision TGA File Format Specification", version 2.0, 1991. */
function isTarga(file: Buffer): boolean {
  if (file.length <= TARGA_HEADER_BYTES) return false;
  if (file.toString('latin1', file.length - TARGA_FOOTER.length - 2).startsWith(TARGA_FOOTER)) {
    return true;
  }
  const [idLength = 0, mapType = 0, type = 0] = file;
  const map = { first: file.readUInt16LE(3), length: file.readUInt16LE(5), depth: file[7] ?? 0 };
  const pixels = file.readUInt16LE(12) * file.readUInt16LE(14);
  const depth = file[16] ?? 0;
  const depths = { 1: [8, 16], 2: [15, 16, 24, 32], 3: [8, 16] }[type & 7];
  if (![1, 2, 3, 9, 10, 11].includes(type) || !depths?.includes(depth) || pixels === 0) {
    return false;
  }
  if (mapType > 1 || ((file[17] ?? 0) & 0xc0) !== 0) return false;
  if ((type & 7) === 1 ? mapType === 0 : mapType === 0 && map.first + map.length + map.depth > 0) {
    return false;
  }
  const isCompressed = type > 8;
  const mapBytes = Math.ceil(map.depth / 8) * map.length;
  const imageBytes = isCompressed ? 0 : pixels * Math.ceil(depth / 8);
  return file.length >= TARGA_HEADER_BYTES + idLength + mapBytes + imageBytes;
}
