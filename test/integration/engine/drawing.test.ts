import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PixelImage } from '../../../plugin/src/images/contract';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { startByteServer, type ByteServer } from '../../support/byte-server';
import {
  clip224,
  colorAt,
  limits,
  noise,
  plain,
  reader,
  svg,
  zeroPng,
} from '../../unit/images/images';

const GREEN_SQUARE = '<rect width="100" height="100" fill="#00ff00"/>';

/** On all of 100 × 70. */
const SCENE =
  '<rect width="100" height="70" fill="#78b4f0"/><rect x="10" y="12" width="50" height="50" fill="#822"/>';

async function draw(document: Uint8Array): Promise<PixelImage> {
  const { prepared } = await reader.read(document, { preparation: clip224 });
  if (prepared.kind !== 'pixels') throw new Error('Expected pixels.');
  return prepared;
}

/** Whether there is any red in a drawing. */
function showsRed({ data }: PixelImage): boolean {
  return data.some(
    (value, index) => index % 3 === 0 && value > 128 && (data[index + 1] ?? 0) < 128,
  );
}

describe('an SVG document', () => {
  it.each([
    ['plain', svg(GREEN_SQUARE)],
    [
      'with a prolog',
      svg(GREEN_SQUARE, undefined, '<?xml version="1.0"?>\n<!-- made by hand -->\n'),
    ],
    ['with a byte order mark', Buffer.concat([Buffer.from('\ufeff'), svg(GREEN_SQUARE)])],
    ['compressed', gzipSync(svg(GREEN_SQUARE))],
    ['without a size', svg(GREEN_SQUARE, 'viewBox="0 0 100 100"')],
    [
      'of a million pixels a side',
      svg(GREEN_SQUARE, 'viewBox="0 0 100 100" width="1000000" height="1000000"'),
    ],
  ])('is drawn (%s)', async (_, document) => {
    expect(colorAt(await draw(document), 112, 112)).toEqual([0, 255, 0]);
  });

  it.each([
    ['millimeters', 'width="297mm" height="210mm" viewBox="0 0 100 70"', SCENE],
    ['inches, tiny', 'width=".2in" height=".14in" viewBox="0 0 100 70"', SCENE],
    ['points, huge', 'width="20000pt" height="14000pt" viewBox="0 0 100 70"', SCENE],
    ['picas, in a style', 'style="width:20pc;height:14pc" viewBox="0 0 100 70"', SCENE],
    [
      'centimeters, in a style sheet',
      'viewBox="0 0 100 70"',
      `<style>svg{width:20cm;height:14cm}</style>${SCENE}`,
    ],
    ['points inside', 'width="100" height="70"', SCENE.replaceAll('"50"', '"37.5pt"')],
    ['no size, and no viewBox', '', SCENE],
    ['no size, away from the origin', '', `<g transform="translate(60 40)">${SCENE}</g>`],
  ])('is drawn as large as its twin in pixels (%s)', async (_, attributes, body) => {
    const twin = await reader.read(svg(SCENE, 'width="400" height="280" viewBox="0 0 100 70"'), {
      preparation: clip224,
    });
    const { prepared, size } = await reader.read(svg(body, attributes), { preparation: clip224 });
    expect(Math.abs(size.width - twin.size.width)).toBeLessThanOrEqual(4);
    expect(size.height).toBe(224);
    const difference = prepared.data.reduce(
      (sum, value, index) => sum + Math.abs(value - (twin.prepared.data[index] ?? 0)),
      0,
    );
    expect(difference / prepared.data.length).toBeLessThan(4);
  });

  it('is drawn with an image of more than ten megabytes inside it', async () => {
    const image = Buffer.concat([await noise(60, 40).jpeg().toBuffer(), Buffer.alloc(7_600_000)]);
    const inner = `<image width="100" height="100" href="data:image/jpeg;base64,${image.toString('base64')}"/>`;
    const generous = createImageReader({ ...limits, maxBytes: 30_000_000 });
    const { prepared } = await generous.read(svg(inner + GREEN_SQUARE.replace('100', '50')), {
      preparation: clip224,
    });
    expect(colorAt(prepared, 50, 112)).toEqual([0, 255, 0]);
    expect(colorAt(prepared, 170, 112)).not.toEqual([255, 255, 255]);
  });

  it('is drawn on white', async () => {
    expect(colorAt(await draw(svg('<circle r="9"/>')), 112, 112)).toEqual([255, 255, 255]);
  });

  it('is drawn as large as an API may require', async () => {
    const preparation = { kind: 'encoded', mimeType: 'image/png', maxEdge: 300 } as const;
    const { prepared } = await reader.read(svg(GREEN_SQUARE, 'width="40" height="20"'), {
      preparation,
    });
    expect(prepared).toMatchObject({ width: 300, height: 150 });
  });

  it('is drawn when it is too elongated to be seen', async () => {
    const drawing = await draw(svg(GREEN_SQUARE, 'width="30000" height="1"'));
    expect(drawing).toMatchObject({ width: 224, height: 224 });
  });

  it.each([
    ['that is damaged', svg('<g><rect')],
    ['that says it has no size at all', svg(GREEN_SQUARE, 'width="0" height="0"')],
    ['that is nested too deeply', svg('<g>'.repeat(100_000) + '</g>'.repeat(100_000))],
    ['that expands for ever', entityBomb()],
  ])('%s is rejected', async (_, document) => {
    const failed = draw(document);
    await expect(failed).rejects.toMatchObject({ code: 'image-unreadable', retryable: false });
    await expect(failed).rejects.toThrow('SVG document is damaged');
  });
});

describe('a reference in an SVG document', () => {
  let server: ByteServer;
  let folder: string;
  let canary: string;

  beforeAll(async () => {
    const red = await plain(100, 100, [255, 0, 0]).png().toBuffer();
    server = await startByteServer();
    server.on('/red.png', (_, response) => response.end(red));
    server.on('/red.css', (_, response) => response.end('rect { fill: red }'));
    folder = await mkdtemp(path.join(tmpdir(), 'image-search-canary-'));
    canary = path.join(folder, 'red.png');
    await writeFile(canary, red);
    await writeFile(
      path.join(folder, 'red.svg'),
      svg('<rect id="red" width="100" height="100" fill="red"/>'),
    );
    await writeFile(path.join(folder, 'red.xml'), '<rect width="100" height="100" fill="red"/>');
    await writeFile(path.join(folder, 'red.css'), 'rect { fill: red }');
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  /** Documents that would be red if what they refer to were read. */
  const documents: [string, (file: (name: string) => string) => Buffer][] = [
    ['an image', (file) => svg(`<image href="${file('red.png')}" width="100" height="100"/>`)],
    [
      'an old-fashioned image',
      (file) => svg(`<image xlink:href="${file('red.png')}" width="100" height="100"/>`),
    ],
    [
      'a filter’s image',
      (file) =>
        svg(
          `<filter id="f"><feImage href="${file('red.png')}"/></filter><rect width="100" height="100" filter="url(#f)"/>`,
        ),
    ],
    ['a part of another document', (file) => svg(`<use href="${file('red.svg')}#red"/>`)],
    [
      'a style sheet',
      (file) =>
        svg(
          GREEN_SQUARE,
          undefined,
          `<?xml-stylesheet href="${file('red.css')}" type="text/css"?>`,
        ),
    ],
    [
      'an imported style sheet',
      (file) => svg(`<style>@import url("${file('red.css')}");</style>${GREEN_SQUARE}`),
    ],
    [
      'an inclusion',
      (file) =>
        svg(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${file('red.xml')}"/>`),
    ],
  ];

  it.each(documents)('is not fetched from the network: %s', async (_, document) => {
    const drawing = await draw(document((name) => `${server.origin}/${name}`));
    expect(showsRed(drawing)).toBe(false);
    expect(server.requests).toEqual([]);
  });

  it.each(documents)('is not read from disk: %s', async (_, document) => {
    const drawing = await draw(document((name) => pathToFileURL(path.join(folder, name)).href));
    expect(showsRed(drawing)).toBe(false);
  });

  it('is not read from disk by a plain path either', async () => {
    const drawing = await draw(svg(`<image href="${canary}" width="100" height="100"/>`));
    expect(showsRed(drawing)).toBe(false);
  });

  it('makes the document unreadable, if it is an external entity', async () => {
    const refers = (address: string): Buffer =>
      svg('&red;', undefined, `<!DOCTYPE svg [<!ENTITY red SYSTEM "${address}">]>`);
    for (const address of [`${server.origin}/red.xml`, `file://${folder}/red.xml`]) {
      await expect(draw(refers(address))).rejects.toMatchObject({ code: 'image-unreadable' });
    }
    expect(server.requests).toEqual([]);
  });

  it('is seen when it lies in the document itself', async () => {
    const red = (await plain(10, 10, [255, 0, 0]).png().toBuffer()).toString('base64');
    const drawing = await draw(
      svg(`<image href="data:image/png;base64,${red}" width="100" height="100"/>`),
    );
    expect(showsRed(drawing)).toBe(true);
  });

  it('is not run, if it is a script', async () => {
    const script =
      "<script>document.documentElement.innerHTML = \"<rect width='100' height='100' fill='red'/>\"</script>";
    expect(showsRed(await draw(svg(script + GREEN_SQUARE)))).toBe(false);
  });
});

describe('an SVG document that needs too much', () => {
  it('time is abandoned, and retryable', async () => {
    const hasty = createImageReader({ ...limits, timeoutMs: 400 });
    const failed = hasty.read(svg(`<text y="50">${'a'.repeat(100_000)}</text>`), {
      preparation: clip224,
    });
    await expect(failed).rejects.toMatchObject({ code: 'image-unreadable', retryable: true });
    await expect(failed).rejects.toThrow('longer than 400 ms');
  });

  it.each([
    ['elements', svg('<a/>'.repeat(900_000))],
    ['compressed elements', gzipSync(svg('<a/>'.repeat(900_000)))],
    [
      'pixels in an image inside it',
      svg(
        `<image width="9" height="9" href="data:image/png;base64,${zeroPng(30_000, 30_000).toString('base64')}"/>`,
      ),
    ],
  ])('memory is abandoned at no cost to this process: %s', async (_, document) => {
    const before = process.memoryUsage().rss;
    await expect(draw(document)).rejects.toMatchObject({
      code: 'image-too-large',
      retryable: false,
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});

/** The "billion laughs". */
function entityBomb(): Buffer {
  const names = Array.from('abcdefghijk');
  const entities = names.map((name, index) => {
    const previous = names[index - 1];
    return `<!ENTITY ${name} "${previous === undefined ? 'ha' : `&${previous};`.repeat(10)}">`;
  });
  return svg('<text>&k;</text>', undefined, `<!DOCTYPE svg [${entities.join('')}]>`);
}
