import { describe, expect, it } from '@jest/globals';
import { rewriteAddresses, rewriteBlocks } from '../../../server/src/merging/text-rewriting';
import type { LibraryFile } from '../../../server/src/usage/library-files';

function createFile(hash: string, changes: Partial<LibraryFile> = {}): LibraryFile {
  return {
    id: 1,
    documentId: `document-of-${hash}`,
    name: `${hash}.png`,
    alternativeText: null,
    caption: null,
    width: 800,
    height: 400,
    formats: { small: { url: `/uploads/small_${hash}.png`, width: 500 } },
    hash,
    ext: '.png',
    mime: 'image/png',
    size: 10,
    url: `/uploads/${hash}.png`,
    previewUrl: null,
    provider: 'local',
    provider_metadata: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...changes,
  };
}

const copy = createFile('copy_0a1b2c3d4e');
const keep = createFile('keep_0f1e2d3c4b');
const rewrite = (text: string, files = { copy, keep }) => rewriteAddresses(text, files);

describe('a URL in a text', () => {
  it.each([
    ['![](/uploads/copy_0a1b2c3d4e.png)', '![](/uploads/keep_0f1e2d3c4b.png)'],
    ['/uploads/copy_0a1b2c3d4e.png.', '/uploads/keep_0f1e2d3c4b.png.'],
    [
      'https://a.example/uploads/small_copy_0a1b2c3d4e.png?w=1&amp;h=2',
      'https://a.example/uploads/small_keep_0f1e2d3c4b.png?w=1&amp;h=2',
    ],
    [
      '<img srcset="/uploads/copy_0a1b2c3d4e.png 2x">',
      '<img srcset="/uploads/keep_0f1e2d3c4b.png 2x">',
    ],
    ['nothing', 'nothing'],
  ])('becomes that of the kept file: %s', (text, value) => {
    expect(rewrite(text)).toEqual({ value, obstacle: null });
  });

  it("of a format that the kept file lacks becomes its original's URL", () => {
    const plain = createFile('keep_0f1e2d3c4b', { formats: null });
    expect(rewrite('/uploads/small_copy_0a1b2c3d4e.png', { copy, keep: plain })).toEqual({
      value: '/uploads/keep_0f1e2d3c4b.png',
      obstacle: null,
    });
  });

  it('is distinguished from that of a copy of the copy', () => {
    const again = createFile('copy_0a1b2c3d4e_0123456789');
    const text = `${copy.url} ${again.url}`;
    expect(rewrite(text, { copy, keep: again })).toEqual({
      value: `${again.url} ${again.url}`,
      obstacle: null,
    });
    expect(rewrite(text, { copy: again, keep: copy })).toEqual({
      value: `${copy.url} ${copy.url}`,
      obstacle: null,
    });
  });

  it.each([
    ['one that is kept elsewhere', { url: 'https://cdn.example.com/keep_0f1e2d3c4b.png' }, ''],
    ['one that ends an address in Markdown', { url: '/uploads/keep (1).png' }, ''],
    ['one where the text has a signature', {}, '?X-Amz-Signature=0'],
    ['one where the text has another file too', {}, '.webp'],
  ])("doesn't become %s", (_name, changes, end) => {
    const text = `![](${copy.url}${end}) ${copy.url}`;
    const { value, obstacle } = rewrite(text, { copy, keep: { ...keep, ...changes } });
    expect(value).toBe(text);
    expect(obstacle).not.toBeNull();
  });
});

describe('blocks', () => {
  const image = { name: copy.name, url: copy.url, hash: copy.hash, formats: copy.formats };
  const files = { copy, keep };

  it('keep their own description, or use that of the kept file', () => {
    const described = { ...keep, alternativeText: 'A bay' };
    const block = (alternativeText: string) => [
      { type: 'image', image: { ...image, alternativeText }, children: [] },
    ];
    const rewritten = (text: string) =>
      rewriteBlocks(block(text), { copy, keep: described }).value as { image: object }[];
    expect(rewritten('My bay')[0]?.image).toMatchObject({
      alternativeText: 'My bay',
      hash: keep.hash,
      url: keep.url,
      formats: keep.formats,
    });
    expect(rewritten(copy.name)[0]?.image).toMatchObject({ alternativeText: 'A bay' });
  });

  it("stay unchanged if one place can't be updated", () => {
    const value = [
      { type: 'image', image, children: [] },
      { type: 'custom', fileHash: copy.hash },
    ];
    const rewriting = rewriteBlocks(value, files);
    expect(rewriting.value).toBe(value);
    expect(rewriting.obstacle).not.toBeNull();
  });

  it('reject a kept file of unknown size, as Strapi would', () => {
    const unsized = { ...keep, width: null };
    const { obstacle } = rewriteBlocks([{ type: 'image', image }], { copy, keep: unsized });
    expect(obstacle).toMatchObject({ code: 'unknown-size' });
  });
});
