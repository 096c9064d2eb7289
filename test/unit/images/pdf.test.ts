import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { ViewLimits } from '../../../plugin/src/images/contract';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { isPdf } from '../../../plugin/src/images/pdf';
import { bombPdf, pdfOf } from '../../support/pdf-file';
import { clip224, colorAt, limits, reader, requirePixels } from './images';

const views: ViewLimits = { parts: 5, frames: 4, pages: 10, videoFrames: 0 };

describe('PDF', () => {
  it('is recognized by its first bytes', async () => {
    expect(isPdf(await pdfOf([{ text: 'a' }]))).toBe(true);
    expect(isPdf(Buffer.from('\n %PDF-1.7\n'))).toBe(true);
    expect(isPdf(Buffer.from('GIF89a %PDF-'))).toBe(false);
  });

  it('is skipped without its reader, with the command that installs it', async () => {
    const project = mkdtempSync(path.join(tmpdir(), 'image-search-project-'));
    const bare = createImageReader(limits, project);
    const failed = bare.read(await pdfOf([{ text: 'a' }]), { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-decoder-missing', retryable: false });
    await expect(failed).rejects.toThrow('Run "npm install @hyzyla/pdfium@2"');
    rmSync(project, { recursive: true });
  });

  it('is skipped with a reader of another major version, with the command that installs the known one', async () => {
    const project = mkdtempSync(path.join(tmpdir(), 'image-search-project-'));
    const folder = path.join(project, 'node_modules/@hyzyla/pdfium');
    mkdirSync(path.join(folder, 'dist'), { recursive: true });
    const manifest = { name: '@hyzyla/pdfium', version: '3.0.1', main: 'dist/index.js' };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(folder, 'dist/index.js'), 'throw new Error("It must not be loaded.");');
    const failed = createImageReader(limits, project).read(await pdfOf([{ text: 'a' }]), {
      preparation: clip224,
    });
    await expect(failed).rejects.toMatchObject({ code: 'image-decoder-missing' });
    await expect(failed).rejects.toThrow(
      'with @hyzyla/pdfium 3.0.1, which this plugin doesn\'t know. Run "npm install @hyzyla/pdfium@2"',
    );
    rmSync(project, { recursive: true });
  });

  it('has its pages as views, those that show nothing left out', async () => {
    const document = await pdfOf([
      { color: '#ff0000', text: 'Red' },
      {},
      { color: '#0000ff', text: 'Blue' },
      { color: '#00ff00', text: 'Green' },
    ]);
    const reading = await reader.read(document, { preparation: clip224, views, text: true });
    expect(colorAt(requirePixels(reading.prepared), 100, 50)).toEqual([255, 0, 0]);
    expect(reading.views?.map(({ kind, number }) => [kind, number])).toEqual([
      ['page', 3],
      ['page', 4],
    ]);
    const [blue, green] = (reading.views ?? []).map(({ prepared }) => requirePixels(prepared));
    expect(blue && colorAt(blue, 100, 50)).toEqual([0, 0, 255]);
    expect(green && colorAt(green, 100, 50)).toEqual([0, 255, 0]);
    expect(reading.text).toBe('Red Blue Green');
  });

  it('is shown by its first page that shows something', async () => {
    const document = await pdfOf([{}, { color: '#0000ff', text: 'Blue' }]);
    const reading = await reader.read(document, { preparation: clip224, views });
    expect(colorAt(requirePixels(reading.prepared), 100, 50)).toEqual([0, 0, 255]);
    expect(reading.views).toEqual([]);
  });

  it('has no fingerprint, as documents are not compared by one page', async () => {
    const document = await pdfOf([{ color: '#0000ff', text: 'Blue' }]);
    const reading = await reader.read(document, { preparation: clip224, fingerprint: true });
    expect(reading.fingerprint).toBeUndefined();
    expect(reading.thumbnail).toEqual(expect.any(String));
  });

  it('has small previews', async () => {
    const document = await pdfOf([{ color: '#ff0000', text: 'Red' }, { text: 'Two' }]);
    const reading = await reader.read(document, { preparation: clip224, views, previews: true });
    expect(reading.previews?.map(({ view }) => view?.number ?? 'whole')).toEqual(['whole', 1, 2]);
    const [whole] = reading.previews ?? [];
    const { format, height, width } = await sharp(whole?.webp).metadata();
    expect({ format, height, width }).toEqual({ format: 'webp', height: 800, width: 566 });
  });

  it('of 200 pages is read as far as the limits go', async () => {
    const document = await pdfOf(
      Array.from({ length: 200 }, (_, index) => ({
        text: `Chapter ${String(index + 1)}`,
        color: '#003366',
      })),
    );
    const reading = await reader.read(document, { preparation: clip224, views, text: true });
    expect(reading.views).toHaveLength(9);
    expect(reading.isPartial).toBeUndefined();
    expect(reading.text).toMatch(/^Chapter 1 Chapter 2 .* Chapter 100$/);
  });

  it('with a password is skipped by name', async () => {
    const document = await pdfOf([{ text: 'Secret' }], { password: 'sesame' });
    const failed = reader.read(document, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({
      code: 'image-unsupported',
      retryable: false,
      traits: { isSkipped: true },
    });
    await expect(failed).rejects.toThrow('the PDF document needs a password');
  });

  it.each([
    ['damaged', Buffer.from('%PDF-1.7\ngarbage')],
    ['cut off before its pages', Buffer.from('%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\n')],
  ])('that is %s is refused', async (_what, bytes) => {
    const failed = reader.read(bytes, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-unreadable', retryable: false });
    await expect(failed).rejects.toThrow('the PDF document is damaged');
  });

  it('that takes too much memory or time is given up', async () => {
    const hasty = createImageReader({ ...limits, timeoutMs: 1_500 });
    const failed = hasty.read(bombPdf(100), { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({
      code: expect.stringMatching(/^image-(too-large|unreadable)$/),
    });
  });

  it('of which most is left out when the time is over says so', async () => {
    const hasty = createImageReader({ ...limits, timeoutMs: 4_000 });
    const document = bombPdf(100, { intact: 1 });
    const reading = await hasty.read(document, { preparation: clip224, views });
    expect(reading.isPartial).toBe(true);
    expect(reading.views).toEqual([]);
  });

  it('is read no further once nobody waits for it', async () => {
    const leaving = new AbortController();
    const failed = reader.read(bombPdf(100), { preparation: clip224, signal: leaving.signal });
    leaving.abort();
    await expect(failed).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is named when the bytes are an archive', async () => {
    const failed = reader.read(Buffer.from('PK\x03\x04 and more'), { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-unsupported' });
    await expect(failed).rejects.toThrow("ZIP archives can't be decoded");
  });
});
