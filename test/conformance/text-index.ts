import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TextIndex } from '../../plugin/src/text/contract';
import { wordsOf } from '../support/text-index-folder';

export interface TextIndexHarness {
  create(): Promise<{
    index: TextIndex;
    /** Opens what is stored again. */
    reopen(): Promise<TextIndex>;
    /** Opens what is stored for another database. */
    openFor(databaseId: string): Promise<TextIndex>;
    destroy(): Promise<void>;
  }>;
}

/** Everything that the contract of a text index promises. */
export function describeTextIndex(name: string, harness: TextIndexHarness): void {
  describe(`text index: ${name}`, () => {
    let index: TextIndex;
    let created: Awaited<ReturnType<TextIndexHarness['create']>>;

    beforeEach(async () => {
      created = await harness.create();
      ({ index } = created);
    });
    afterEach(() => created.destroy());

    const idsFor = async (text: string, limit = 20): Promise<number[]> => {
      const { hits } = await index.search({ text, limit });
      return hits.map(({ fileId }) => fileId);
    };

    it('finds nothing in an empty index, and nothing without a word', async () => {
      await expect(index.search({ text: 'dog', limit: 10 })).resolves.toEqual({
        hits: [],
        hasPhrases: false,
      });
      await index.upsert([wordsOf(1, { name: 'dog.jpg' })]);
      await expect(idsFor('?! …')).resolves.toEqual([]);
    });

    it('says which fields matched', async () => {
      await index.upsert([
        wordsOf(1, { name: 'dog.jpg', caption: 'A cat' }),
        wordsOf(2, { name: 'a.jpg', alternativeText: 'A dog asleep' }),
        wordsOf(3, { name: 'b.jpg', caption: 'Two dogs', folder: 'Animals Dogs' }),
        wordsOf(4, { name: 'c.jpg', folder: 'Animals Dogs' }),
        wordsOf(5, { name: 'd.jpg', text: 'Beware of the dog' }),
        wordsOf(6, { name: 'e.jpg', text: 'No entry' }),
      ]);
      const { hits } = await index.search({ text: 'dog', limit: 10 });
      expect(new Map(hits.map(({ fields, fileId }) => [fileId, fields]))).toEqual(
        new Map([
          [1, ['name']],
          [2, ['alternativeText']],
          [3, ['caption', 'folder']],
          [4, ['folder']],
          [5, ['text']],
        ]),
      );
      for (const { score } of hits) {
        expect(score).toBeGreaterThan(0);
        expect(score).toBeLessThanOrEqual(1);
      }
    });

    it.each([
      ['IMG_1234', 'IMG_1234.JPG'],
      ['img 1234', 'IMG_1234.JPG'],
      ['img1234', 'IMG_1234.JPG'],
      ['img_1234.jpg', 'IMG_1234.JPG'],
      ['1234', 'IMG_1234.JPG'],
      ['logo acme', 'logo-acme.svg'],
      ['acme', 'logo-acme.svg'],
      ['acme', 'logoAcme.svg'],
      ['logoacme', 'logoAcme.svg'],
      ['LOGO', 'logoAcme.svg'],
      ['header', 'XMLHeader2x.png'],
      ['cafe', 'Café-Zürich.jpg'],
      ['CAFÉ ZURICH', 'cafe-zürich.jpg'],
      ['strasse', 'Straße.jpg'],
      ['mountain', 'mountains at dawn.jpg'],
      ['mountains', 'mountain.jpg'],
      ['monta', 'montañas.jpg'],
      ['собака', 'Собаки-в-парке.jpg'],
      ['猫', '黒猫の写真.jpg'],
      ['黒猫', '黒猫の写真.jpg'],
      ['写真', '黒猫の写真.jpg'],
      ['고양이', '검은고양이.jpg'],
      ['ภูเขา', 'รูปภูเขา.jpg'],
      ['हिन्दी', 'हिन्दी-पोस्टर.jpg'],
    ])('finds "%s" in %s', async (text, file) => {
      await index.upsert([
        wordsOf(1, { name: file }),
        wordsOf(2, { name: 'unrelated-0815.webp' }),
        wordsOf(3, { name: '犬.webp' }),
      ]);
      await expect(idsFor(text)).resolves.toEqual([1]);
    });

    it('puts the exact name first, then a close one, whatever other words say', async () => {
      await index.upsert([
        wordsOf(1, { name: 'x.jpg', caption: 'summer sale banner summer sale banner' }),
        wordsOf(2, { name: 'summer-sale-banner-2.png' }),
        wordsOf(3, { name: 'SummerSale_Banner.png' }),
        wordsOf(4, { name: 'banner.png' }),
      ]);
      const { hits } = await index.search({ text: 'summer sale banner', limit: 10 });
      expect(hits.slice(0, 3).map(({ fileId, nameMatch }) => [fileId, nameMatch])).toEqual([
        [3, 'exact'],
        [2, 'close'],
        [1, null],
      ]);
    });

    it('finds an exact name among thousands that have its words', async () => {
      const files = Array.from({ length: 12_000 }, (_, index) =>
        wordsOf(index + 1, { name: `photo ${String(index)}.jpg`, caption: 'photo 1' }),
      );
      for (let start = 0; start < files.length; start += 1_000) {
        await index.upsert(files.slice(start, start + 1_000));
      }
      const { hits } = await index.search({ text: 'photo 1', limit: 5 });
      expect(hits[0]).toMatchObject({ fileId: 2, nameMatch: 'exact' });
      expect(hits).toHaveLength(5);
    });

    it('prefers files with more of the query, and its rare words', async () => {
      await index.upsert([
        ...Array.from({ length: 20 }, (_, number) =>
          wordsOf(100 + number, { caption: 'a man in the street' }),
        ),
        wordsOf(1, { caption: 'a man with an accordion in the street' }),
        wordsOf(2, { caption: 'an accordion' }),
      ]);
      const ids = await idsFor('man with accordion');
      expect(ids.slice(0, 2)).toEqual([1, 2]);
    });

    it('leaves out files with little of the query', async () => {
      await index.upsert([
        wordsOf(1, { caption: 'a dog on the beach' }),
        ...Array.from({ length: 90 }, (_, number) =>
          wordsOf(number + 2, { caption: 'the city on a hill' }),
        ),
      ]);
      await expect(idsFor('a dog runs on the beach')).resolves.toEqual([1]);
    });

    it('finds words in quotation marks only side by side, in one field', async () => {
      await index.upsert([
        wordsOf(1, { caption: 'the red car of my neighbor' }),
        wordsOf(2, { caption: 'a car, not red' }),
        wordsOf(3, { name: 'red.jpg', caption: 'car' }),
        wordsOf(4, { name: 'red-car-final.jpg' }),
        wordsOf(5, { caption: 'red cars' }),
        wordsOf(6, { caption: '赤い車' }),
      ]);
      const { hasPhrases, hits } = await index.search({ text: '"red car"', limit: 10 });
      expect(hasPhrases).toBe(true);
      expect(hits.map(({ fileId }) => fileId).sort()).toEqual([1, 4]);
      await expect(idsFor('“red car” neighbor')).resolves.toEqual([1, 4]);
      await expect(idsFor('「赤い」')).resolves.toEqual([6]);
      await expect(idsFor('"blue car"')).resolves.toEqual([]);
    });

    it('searches the given fields only', async () => {
      await index.upsert([
        wordsOf(1, { name: 'secret.jpg', folder: 'Project Falcon' }),
        wordsOf(2, { name: 'falcon.jpg' }),
      ]);
      const fields = ['name', 'caption'] as const;
      const { hits } = await index.search({ text: 'falcon', limit: 10, fields });
      expect(hits).toEqual([expect.objectContaining({ fileId: 2, fields: ['name'] })]);
      const none = await index.search({ text: 'project falcon', limit: 10, fields: ['caption'] });
      expect(none.hits).toEqual([]);
    });

    it('searches the given files only', async () => {
      await index.upsert([1, 2, 3].map((id) => wordsOf(id, { name: 'dog.jpg' })));
      const { hits } = await index.search({ text: 'dog', limit: 10, includeIds: [2, 9] });
      expect(hits.map(({ fileId }) => fileId)).toEqual([2]);
      const none = await index.search({ text: 'dog', limit: 10, includeIds: [] });
      expect(none.hits).toEqual([]);
    });

    it('adds hits at the end when the limit is larger', async () => {
      await index.upsert(
        Array.from({ length: 30 }, (_, number) =>
          wordsOf(number + 1, { caption: `dog ${String(number)} ${'x '.repeat(number % 7)}` }),
        ),
      );
      const all = await idsFor('dog 7', 30);
      await expect(idsFor('dog 7', 10)).resolves.toEqual(all.slice(0, 10));
    });

    it('replaces and removes; unknown ids are ignored, the last of equal ids wins', async () => {
      await index.upsert([wordsOf(1, { name: 'dog.jpg' })]);
      await index.upsert([wordsOf(1, { name: 'cat.jpg' }), wordsOf(1, { name: 'bird.jpg' })]);
      await expect(idsFor('dog')).resolves.toEqual([]);
      await expect(idsFor('cat')).resolves.toEqual([]);
      await expect(idsFor('bird')).resolves.toEqual([1]);
      await index.remove([1, 77]);
      await expect(idsFor('bird')).resolves.toEqual([]);
      await index.upsert([]);
      await index.remove([]);
    });

    it('makes a range what it should be, and writes only what differs', async () => {
      const files = [1, 2, 3, 4].map((id) => wordsOf(id, { name: `dog ${String(id)}.jpg` }));
      await expect(index.replaceRange(files, { after: 0, through: 4 })).resolves.toBe(4);
      await expect(index.replaceRange(files, { after: 0, through: 4 })).resolves.toBe(0);
      const changed = [wordsOf(2, { name: 'cat.jpg' })];
      // 1 is below the range, 4 above it; 3 is gone.
      await expect(index.replaceRange(changed, { after: 1, through: 3 })).resolves.toBe(2);
      await expect(idsFor('dog')).resolves.toEqual([1, 4]);
      await expect(idsFor('cat')).resolves.toEqual([2]);
      await expect(index.replaceRange([], { after: 1, through: null })).resolves.toBe(2);
      await expect(idsFor('dog')).resolves.toEqual([1]);
    });

    it('keeps words when it is opened again, those of each database apart', async () => {
      await index.upsert([wordsOf(1, { name: 'dog.jpg' })]);
      const other = await created.openFor('another');
      await other.upsert([wordsOf(1, { name: 'dog of another.jpg' })]);
      await expect(other.replaceRange([], { after: 5, through: null })).resolves.toBe(0);
      index = await created.reopen();
      const { hits } = await index.search({ text: 'dog', limit: 10 });
      expect(hits).toEqual([expect.objectContaining({ fileId: 1, nameMatch: 'exact' })]);
    });

    it('takes any text as words, never as a query language', async () => {
      await index.upsert([wordsOf(1, { name: 'dog.jpg' })]);
      for (const text of ['"', 'dog"', 'dog OR', 'NOT dog', 'name:dog', 'dog*', '(dog', "dog'--"]) {
        await expect(idsFor(text)).resolves.toEqual([1].slice(0, text === '"' ? 0 : 1));
      }
      await expect(idsFor('word '.repeat(500))).resolves.toEqual([]);
    });

    it('closes twice, and answers nothing afterwards', async () => {
      await index.upsert([wordsOf(1, { name: 'dog.jpg' })]);
      await index.dispose();
      await index.dispose();
      await expect(index.search({ text: 'dog', limit: 1 })).rejects.toMatchObject({
        code: 'store-unavailable',
      });
    });
  });
}
