import { expect, it } from '@jest/globals';
import sharp from 'sharp';
import { listShowcase } from '../../../sample/demo/showcase';

it('has a document, a banner, a white logo, an animation and a video', async () => {
  const files = await Promise.all(
    listShowcase().map(async ({ fileName, render }) => [fileName, await render()] as const),
  );
  const bytesOf = new Map(files);
  expect([...bytesOf.keys()]).toEqual([
    'quarterly-report.pdf',
    'header-wide.png',
    'logo-inverted.png',
    'loop.gif',
    'teaser.mp4',
  ]);
  expect(bytesOf.get('quarterly-report.pdf')?.toString('latin1', 0, 5)).toBe('%PDF-');
  expect(bytesOf.get('teaser.mp4')?.toString('latin1', 4, 8)).toBe('ftyp');
  const banner = await sharp(bytesOf.get('header-wide.png')).metadata();
  expect([banner.width, banner.height]).toEqual([1_600, 320]);
  const animation = await sharp(bytesOf.get('loop.gif')).metadata();
  expect([animation.pages, animation.height]).toEqual([3, 320]);
});
