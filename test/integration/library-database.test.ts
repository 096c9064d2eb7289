import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type FileBytes, type Library } from '../support/library';
import { copyForRow, FILE_UID, readRow, storedFile } from '../support/library-rows';
import { storedIds, storedVectors } from '../support/stored-vectors';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

describe('changes of files in code', () => {
  let app: StrapiApp;
  let library: Library;
  /** An uploaded image whose bytes may be copied. */
  let original: number;

  beforeAll(async () => {
    app = await startStrapi();
    library = createLibrary(app);
    const [file] = await library.upload(await sampleImage('dog'));
    original = file?.id ?? 0;
    await app.waitUntilIndexed();
  });
  beforeEach(() => {
    expect(app.strapi.db.inTransaction()).toBe(false);
  });
  afterAll(async () => {
    await app.stop();
  });

  const files = () => app.strapi.db.query(FILE_UID);

  async function createCopy(): Promise<number> {
    const { id } = await files().create({ data: await copyForRow(app.strapi, original) });
    return id as number;
  }

  async function createCopies(count: number): Promise<number[]> {
    const data = await Promise.all(
      Array.from({ length: count }, () => copyForRow(app.strapi, original)),
    );
    const { ids } = await files().createMany({ data });
    return ids as number[];
  }

  async function expectIndexed(ids: readonly number[]): Promise<void> {
    await app.waitUntilIndexed();
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) expect(await library.entry(id)).toMatchObject({ state: 'indexed' });
    expect(await storedIds(app)).toEqual(expect.arrayContaining([...ids]));
  }

  /** Neither of these files nor of any other that is not in the library. */
  async function expectNothingLeft(ids: readonly number[]): Promise<void> {
    const { total } = await app.waitUntilIndexed();
    const entries = (await library.entries()).map((entry) => entry.fileId);
    expect(entries).toEqual(await storedIds(app));
    expect(entries).toHaveLength(total);
    for (const id of ids) expect(entries).not.toContain(id);
  }

  describe('one query', () => {
    it('create is noticed', async () => {
      await expectIndexed([await createCopy()]);
    });

    it('createMany is noticed', async () => {
      const ids = await createCopies(3);
      expect(ids).toHaveLength(3);
      await expectIndexed(ids);
    });

    it('update of the bytes is noticed, by any condition', async () => {
      const id = await createCopy();
      await expectIndexed([id]);
      const [before] = await storedVectors(app, [id]);
      const data = await placeNewBytes(id);
      await files().update({
        where: { hash: { $eq: (await readRow(app.strapi, id)).hash } },
        data,
      });
      await expectIndexed([id]);
      expect((await storedVectors(app, [id]))[0]).not.toEqual(before);
    });

    it('updateMany of the bytes is noticed, and one of the texts is not', async () => {
      const ids = await createCopies(2);
      await expectIndexed(ids);
      const before = await Promise.all(ids.map((id) => library.entry(id)));
      const where = { id: { $in: ids } };
      await files().updateMany({ where, data: { caption: 'both' } });
      await app.waitUntilIndexed();
      expect(await Promise.all(ids.map((id) => library.entry(id)))).toEqual(before);

      const vectors = await storedVectors(app, ids);
      for (const id of ids) await placeNewBytes(id);
      await files().updateMany({ where, data: { mime: 'image/png', size: 4.2 } });
      await expectIndexed(ids);
      const after = await storedVectors(app, ids);
      for (const [index, vector] of after.entries()) expect(vector).not.toEqual(vectors[index]);
    });

    it('delete is noticed', async () => {
      const id = await createCopy();
      await expectIndexed([id]);
      await files().delete({ where: { id } });
      await expectNothingLeft([id]);
    });

    it('deleteMany is noticed', async () => {
      const ids = await createCopies(3);
      await expectIndexed(ids);
      await files().deleteMany({ where: { id: { $in: ids } } });
      await expectNothingLeft(ids);
    });

    it('the document service is noticed', async () => {
      const id = await createCopy();
      await expectIndexed([id]);
      const row: unknown = await files().findOne({ where: { id } });
      await app.strapi.documents(FILE_UID).delete(row as { documentId: string });
      await expectNothingLeft([id]);
    });
  });

  describe('a transaction', () => {
    it('that is committed has its uploads indexed', async () => {
      const ids = await app.strapi.db.transaction(async () => [
        ...(await uploadInCode('guitar')),
        ...(await uploadInCode('pizza')),
      ]);
      expect(ids).toHaveLength(2);
      await expectIndexed(ids);
      expect((await library.findText('a guitar'))[0]).toBe(ids[0]);
    });

    it('that is rolled back leaves nothing', async () => {
      let ids: number[] = [];
      await expect(
        app.strapi.db.transaction(async () => {
          ids = [...(await uploadInCode('owl')), await createCopy(), ...(await createCopies(2))];
          throw new Error('changed my mind');
        }),
      ).rejects.toThrow('changed my mind');
      expect(ids).toHaveLength(4);
      expect(await files().count({ where: { id: { $in: ids } } })).toBe(0);
      await expectNothingLeft(ids);
      expect(await library.reindex('missing')).toBe(0);
    });

    it('that is rolled back loses no image which it deleted or replaced', async () => {
      const [deleted, replaced] = await createCopies(2);
      if (deleted === undefined || replaced === undefined) throw new Error('no copies');
      await expectIndexed([deleted, replaced]);
      const before = [await library.entry(deleted), await library.entry(replaced)];
      await expect(
        app.strapi.db.transaction(async () => {
          await files().delete({ where: { id: deleted } });
          await files().update({ where: { id: replaced }, data: { mime: 'application/pdf' } });
          throw new Error('changed my mind');
        }),
      ).rejects.toThrow('changed my mind');
      await expectIndexed([deleted, replaced]);
      expect([await library.entry(deleted), await library.entry(replaced)]).toEqual(before);
    });

    it('that is committed has its deletions noticed', async () => {
      const ids = await createCopies(3);
      await expectIndexed(ids);
      const [first, ...others] = ids;
      await app.strapi.db.transaction(async () => {
        await files().delete({ where: { id: first } });
        await files().deleteMany({ where: { id: { $in: others } } });
      });
      await expectNothingLeft(ids);
    });
  });

  /** Other bytes at the file's place; returns what to say of them in the row. */
  async function placeNewBytes(id: number): Promise<{ mime: string; size: number }> {
    const { bytes } = await sampleImage('bicycle');
    await writeFile(storedFile(app.strapi, await readRow(app.strapi, id)), bytes);
    return { mime: 'image/jpeg', size: bytes.length / 1_000 };
  }

  async function uploadInCode(concept: string): Promise<number[]> {
    const file = await sampleImage(concept);
    const uploaded: unknown = await app.strapi
      .plugin('upload')
      .service('upload')
      .upload({ data: {}, files: await temporaryFile(file) });
    return (uploaded as { id: number }[]).map(({ id }) => id);
  }

  async function temporaryFile({ bytes, fileName }: FileBytes): Promise<object> {
    const filepath = path.join(app.dataFolder, fileName);
    await writeFile(filepath, bytes);
    return { filepath, originalFilename: fileName, mimetype: 'image/jpeg', size: bytes.length };
  }
});
