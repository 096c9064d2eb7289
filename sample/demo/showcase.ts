import sharp from 'sharp';
import { findFfmpeg } from '../../plugin/src/images/video';
import { pdfOf } from '../../test/support/pdf-file';
import { videoOf } from '../../test/support/video-file';
import { renderSampleImage, sampleLibrary } from '../library';

/** A file of the demo's library. */
export interface DemoFile {
  fileName: string;
  mimeType: string;
  /** Folder names joined by `/`; null for the top of the library. */
  folder: string | null;
  alternativeText?: string;
  render: () => Promise<Buffer>;
}

const FOLDER = 'Showcase';
const WHITE = '#ffffff';
const SQUARE = { width: 320, height: 320, fit: 'contain', background: WHITE } as const;

/** What searches find beyond plain images, one file each; a video only where there is ffmpeg. */
export function listShowcase(): DemoFile[] {
  return [
    {
      fileName: 'quarterly-report.pdf',
      mimeType: 'application/pdf',
      folder: FOLDER,
      render: renderReport,
    },
    { fileName: 'header-wide.png', mimeType: 'image/png', folder: FOLDER, render: renderBanner },
    { fileName: 'logo-inverted.png', mimeType: 'image/png', folder: FOLDER, render: renderLogo },
    { fileName: 'loop.gif', mimeType: 'image/gif', folder: FOLDER, render: renderAnimation },
    ...(findFfmpeg('ffmpeg') === null
      ? []
      : [{ fileName: 'teaser.mp4', mimeType: 'video/mp4', folder: FOLDER, render: renderFilm }]),
  ];
}

/** Its third page shows a rocket; its text is about harvests. */
async function renderReport(): Promise<Buffer> {
  return pdfOf([
    { text: 'Quarterly report: the harvest of turnips and pumpkins', color: '#d8ecd3' },
    { image: await squareOf('carrot'), text: 'Vegetables' },
    { image: await squareOf('rocket'), text: 'Outlook' },
  ]);
}

/** Its subject is at the left end, which the center crop leaves out. */
async function renderBanner(): Promise<Buffer> {
  const background = '#eef3fa';
  return sharp({ create: { width: 1_600, height: 320, channels: 3, background } })
    .composite([{ input: await squareOf('elephant'), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** White on transparent. */
async function renderLogo(): Promise<Buffer> {
  const star =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="320" height="320"><path fill="#fff" d="M50 8l12 30 32 2-25 21 8 31-27-17-27 17 8-31L6 40l32-2z"/></svg>';
  return sharp(Buffer.from(star)).png().toBuffer();
}

/** Begins in black. */
async function renderAnimation(): Promise<Buffer> {
  const black = await sharp({ create: { ...SQUARE, channels: 3, background: '#000000' } })
    .png()
    .toBuffer();
  const frames = [black, await squareOf('butterfly'), await squareOf('sunflower')];
  return sharp(frames, { join: { animated: true } })
    .gif({ delay: frames.map(() => 400) })
    .toBuffer();
}

async function renderFilm(): Promise<Buffer> {
  const scenes = ['sailboat', 'castle', 'bicycle', 'guitar'].map(squareOf);
  return videoOf(await Promise.all(scenes), { seconds: 3 });
}

async function squareOf(concept: string): Promise<Buffer> {
  const image = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!image) throw new RangeError(`The sample library has no image of "${concept}".`);
  return sharp(await renderSampleImage(image))
    .resize(SQUARE)
    .flatten({ background: WHITE })
    .png()
    .toBuffer();
}
