import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { TextRecognizer } from '../../../plugin/src/images/ocr';
import { imageWithText } from '../../support/text-image';
import { noise, plain } from './images';

const recognizer = new TextRecognizer({
  projectFolder: process.cwd(),
  languages: ['deu', 'eng'],
  timeoutMs: 60_000,
});
afterAll(() => {
  recognizer.stop();
});

describe('text in an image', () => {
  it('is recognized in the languages that were named, on one line', async () => {
    const image = await imageWithText(['INVOICE 4711', 'Grüße aus Köln']);
    expect(await recognizer.recognize(image)).toBe('INVOICE 4711 Grüße aus Köln');
  });

  it('is recognized white on a photograph', async () => {
    const photo = await noise(900, 600).blur(12).modulate({ brightness: 0.6 }).png().toBuffer();
    const image = await sharp(photo)
      .composite([{ input: await imageWithText(['SUMMER SALE'], { isOverlay: true }) }])
      .jpeg()
      .toBuffer();
    expect(await recognizer.recognize(image)).toBe('SUMMER SALE');
  });

  it.each([
    ['one color', () => plain(800, 600, [90, 120, 150])],
    ['noise', () => noise(800, 600)],
    ['a single pixel', () => plain(1, 1, [0, 0, 0])],
  ])('is empty for an image of %s', async (_what, render) => {
    expect(await recognizer.recognize(await render().png().toBuffer())).toBe('');
  });
});

describe('its process', () => {
  it('is replaced after it was killed in the middle of an image', async () => {
    const image = await imageWithText(['INVOICE 4711']);
    await recognizer.recognize(image);
    const { processId } = recognizer;
    const reading = recognizer.recognize(image);
    process.kill(processId ?? 0, 'SIGKILL');
    await expect(reading).rejects.toMatchObject({ code: 'unexpected', retryable: true });
    expect(await recognizer.recognize(image)).toBe('INVOICE 4711');
    expect(recognizer.processId).not.toBe(processId);
  });

  it('ends with an image that takes too long, or that nobody waits for any more', async () => {
    const options = { projectFolder: process.cwd(), languages: ['eng'] };
    const hasty = new TextRecognizer({ ...options, timeoutMs: 1 });
    const image = await imageWithText(['INVOICE 4711']);
    await expect(hasty.recognize(image)).rejects.toMatchObject({ code: 'image-unreadable' });
    expect(hasty.processId).toBeNull();
    const leaving = new AbortController();
    const patient = new TextRecognizer({ ...options, timeoutMs: 60_000 });
    const reading = patient.recognize(image, leaving.signal);
    leaving.abort();
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(patient.processId).toBeNull();
  });
});

describe('a project without the packages', () => {
  let bare: string;
  afterEach(async () => {
    await rm(bare, { recursive: true });
  });

  it('is told which to install, and nothing is started', async () => {
    bare = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
    const none = new TextRecognizer({ projectFolder: bare, languages: ['eng'], timeoutMs: 1_000 });
    expect(none.problem()).toMatchObject({ code: 'image-decoder-missing' });
    expect(none.problem()?.message).toContain(
      'packages tesseract.js@7, @tesseract.js-data/eng are missing. Run "npm install tesseract.js@7 @tesseract.js-data/eng"',
    );
    await expect(none.recognize(Buffer.alloc(1))).rejects.toThrow('are missing');
    expect(none.processId).toBeNull();
  });

  it('is told which language is missing', async () => {
    bare = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
    const languages = ['eng', 'tlh'];
    const none = new TextRecognizer({ projectFolder: process.cwd(), languages, timeoutMs: 1_000 });
    expect(none.problem()?.message).toContain('the package @tesseract.js-data/tlh is missing');
  });
});
