import { icons } from '@iconify-json/noto';
import sharp, { type Sharp } from 'sharp';

export type PictureFormat = 'jpeg' | 'png' | 'webp';

export type Background =
  | { kind: 'plain'; colour: string }
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
  /** Side of the icon as a part of the picture's shorter side, 0 to 1. */
  motif: number;
  /** Where the icon lies in the space left over: 0 is left (top), 1 right (bottom). */
  position: { x: number; y: number };
  /** In degrees, clockwise. */
  rotation: number;
  format: PictureFormat;
  /** 1 to 100; says nothing for PNG. */
  quality: number;
}

/** What libraries do to a picture before they hold it a second time. */
export type Edit =
  | { kind: 'none' }
  | { kind: 'encode'; format: PictureFormat; quality: number }
  /** Both sides times `factor`. */
  | { kind: 'resize'; factor: number }
  /** The middle part of both sides, 0 to 1. */
  | { kind: 'crop'; keep: number };

/** Draws and encodes: the same drawing gives the same bytes under the same version of sharp. */
export async function renderDrawing(drawing: Drawing): Promise<Buffer> {
  return await encode(sharp(Buffer.from(toSvg(drawing))), drawing);
}

/** Applies an edit to an encoded picture, as an image editor would. */
export async function editPicture(
  bytes: Buffer,
  edit: Edit,
  encoding: { format: PictureFormat; quality: number },
): Promise<Buffer> {
  if (edit.kind === 'none') return bytes;
  const picture = sharp(bytes);
  if (edit.kind === 'encode') return await encode(picture, edit);
  const { width, height } = await picture.metadata();
  if (edit.kind === 'resize') {
    return await encode(picture.resize(Math.round(width * edit.factor)), encoding);
  }
  const kept = { width: Math.round(width * edit.keep), height: Math.round(height * edit.keep) };
  const left = Math.round((width - kept.width) / 2);
  const top = Math.round((height - kept.height) / 2);
  return await encode(picture.extract({ left, top, ...kept }), encoding);
}

async function encode(
  picture: Sharp,
  { format, quality }: { format: PictureFormat; quality: number },
): Promise<Buffer> {
  switch (format) {
    case 'jpeg':
      return await picture.flatten({ background: '#ffffff' }).jpeg({ quality }).toBuffer();
    case 'png':
      return await picture.png({ compressionLevel: 6 }).toBuffer();
    case 'webp':
      return await picture.webp({ quality, effort: 2 }).toBuffer();
  }
}

function toSvg({ icon, width, height, background, motif, position, rotation }: Drawing): string {
  const found = icons.icons[icon];
  if (!found) throw new RangeError(`@iconify-json/noto has no icon "${icon}".`);
  const iconSize = found.width ?? icons.width ?? 16;
  const side = Math.min(width, height) * motif;
  const x = (width - side) * position.x;
  const y = (height - side) * position.y;
  const centre = `${String(x + side / 2)} ${String(y + side / 2)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`,
    ` width="${String(width)}" height="${String(height)}">`,
    toBackgroundSvg(background),
    `<g transform="rotate(${String(rotation)} ${centre})">`,
    `<svg x="${String(x)}" y="${String(y)}" width="${String(side)}" height="${String(side)}"`,
    ` viewBox="0 0 ${String(iconSize)} ${String(iconSize)}">${found.body}</svg></g></svg>`,
  ].join('');
}

function toBackgroundSvg(background: Background): string {
  switch (background.kind) {
    case 'transparent':
      return '';
    case 'plain':
      return `<rect width="100%" height="100%" fill="${background.colour}"/>`;
    case 'gradient':
      return [
        '<linearGradient id="picture-background" x2="1" y2="1">',
        `<stop stop-color="${background.from}"/><stop offset="1" stop-color="${background.to}"/>`,
        '</linearGradient><rect width="100%" height="100%" fill="url(#picture-background)"/>',
      ].join('');
  }
}
