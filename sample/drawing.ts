import { icons } from '@iconify-json/noto';
import sharp, { type Sharp } from 'sharp';

export type ImageFormat = 'jpeg' | 'png' | 'webp';

export type Background =
  | { kind: 'plain'; color: string }
  | { kind: 'gradient'; from: string; to: string }
  /** PNG and WebP only. */
  | { kind: 'transparent' };

/** An icon on a background. */
export interface Drawing {
  icon: string;
  /** In pixels. */
  width: number;
  height: number;
  background: Background;
  /** Side of the icon as a fraction of the image's shorter side, 0 to 1. */
  motif: number;
  /** Where the icon lies in the remaining space: 0 is left (top), 1 is right (bottom). */
  position: { x: number; y: number };
  /** In degrees, clockwise. */
  rotation: number;
  format: ImageFormat;
  /** 1 to 100; ignored for PNG. */
  quality: number;
}

/** Typical changes between two copies of an image in a library. */
export type Edit =
  | { kind: 'none' }
  | { kind: 'encode'; format: ImageFormat; quality: number }
  /** Both sides times `factor`. */
  | { kind: 'resize'; factor: number }
  /** Keeps the middle of both sides, 0 to 1. */
  | { kind: 'crop'; keep: number };

/** Draws and encodes. The bytes are the same every time under the same version of sharp. */
export async function renderDrawing(drawing: Drawing): Promise<Buffer> {
  return await encode(sharp(Buffer.from(toSvg(drawing))), drawing);
}

/** Applies an edit to an encoded image, as an image editor would. */
export async function editImage(
  bytes: Buffer,
  edit: Edit,
  encoding: { format: ImageFormat; quality: number },
): Promise<Buffer> {
  if (edit.kind === 'none') return bytes;
  const image = sharp(bytes);
  if (edit.kind === 'encode') return await encode(image, edit);
  const { width, height } = await image.metadata();
  if (edit.kind === 'resize') {
    return await encode(image.resize(Math.round(width * edit.factor)), encoding);
  }
  const kept = { width: Math.round(width * edit.keep), height: Math.round(height * edit.keep) };
  const left = Math.round((width - kept.width) / 2);
  const top = Math.round((height - kept.height) / 2);
  return await encode(image.extract({ left, top, ...kept }), encoding);
}

async function encode(
  image: Sharp,
  { format, quality }: { format: ImageFormat; quality: number },
): Promise<Buffer> {
  switch (format) {
    case 'jpeg':
      return await image.flatten({ background: '#ffffff' }).jpeg({ quality }).toBuffer();
    case 'png':
      return await image.png({ compressionLevel: 6 }).toBuffer();
    case 'webp':
      return await image.webp({ quality, effort: 2 }).toBuffer();
  }
}

function toSvg({ icon, width, height, background, motif, position, rotation }: Drawing): string {
  const found = icons.icons[icon];
  if (!found) throw new RangeError(`@iconify-json/noto has no icon "${icon}".`);
  const iconSize = found.width ?? icons.width ?? 16;
  const side = Math.min(width, height) * motif;
  const x = (width - side) * position.x;
  const y = (height - side) * position.y;
  const center = `${String(x + side / 2)} ${String(y + side / 2)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`,
    ` width="${String(width)}" height="${String(height)}">`,
    toBackgroundSvg(background),
    `<g transform="rotate(${String(rotation)} ${center})">`,
    `<svg x="${String(x)}" y="${String(y)}" width="${String(side)}" height="${String(side)}"`,
    ` viewBox="0 0 ${String(iconSize)} ${String(iconSize)}">${found.body}</svg></g></svg>`,
  ].join('');
}

function toBackgroundSvg(background: Background): string {
  switch (background.kind) {
    case 'transparent':
      return '';
    case 'plain':
      return `<rect width="100%" height="100%" fill="${background.color}"/>`;
    case 'gradient':
      return [
        '<linearGradient id="image-background" x2="1" y2="1">',
        `<stop stop-color="${background.from}"/><stop offset="1" stop-color="${background.to}"/>`,
        '</linearGradient><rect width="100%" height="100%" fill="url(#image-background)"/>',
      ].join('');
  }
}
