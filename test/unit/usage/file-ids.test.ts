import { describe, expect, it } from '@jest/globals';
import { findIdsInJson, findIdsInText } from '../../../server/src/usage/file-ids';

const ids = new Set([5, 17]);

function inJson(value: unknown, name = 'data'): string[] {
  return findIdsInJson(value, name, ids).map(
    ({ isSure, mention }) => `${mention}${isSure ? '' : ' ?'}`,
  );
}

function inText(text: string): string[] {
  return findIdsInText(text, ids).map(
    ({ fileId, isSure }) => `${String(fileId)}${isSure ? '' : ' ?'}`,
  );
}

describe('a number in JSON', () => {
  it.each([
    [{ imageId: 5 }, ['imageId: 5']],
    [{ hero_image: '17' }, ['hero_image: 17']],
    [{ image: { data: { id: 5 } } }, ['image.data.id: 5']],
    [{ gallery: { items: [{ id: 5 }, { id: 6 }] } }, ['gallery.items[0].id: 5']],
    [{ mediaIds: [4, 5] }, ['mediaIds[1]: 5']],
    [{ picked: { id: 5, mime: 'image/png' } }, ['picked.id: 5']],
    [{ ref: { type: 'plugin::upload.file', id: 5 } }, ['ref.id: 5']],
  ])('is surely a file in %j', (value, expected) => {
    expect(inJson(value)).toEqual(expected);
  });

  it.each([
    [5, ['5 ?']],
    [[1, 5], ['[1]: 5 ?']],
    [{ id: 5 }, ['id: 5 ?']],
    [{ hero: 17 }, ['hero: 17 ?']],
    // May be how many there are.
    [{ images: 5 }, ['images: 5 ?']],
  ])('may be a file in %j', (value, expected) => {
    expect(inJson(value)).toEqual(expected);
  });

  it.each([
    { width: 5, image: { height: 5, sortOrder: 17 } },
    { imageCount: 5 },
    { userId: 5, category: { id: 17 } },
    { price: 5, rating: 5.5, value: 5.01, text: '5 of 17' },
    { id: 55, ids: [517, 1.5], code: 'A5', date: '2026-05-17' },
  ])('is no file in %j', (value) => {
    expect(inJson(value)).toEqual([]);
  });

  it('is surely a file in a field that says so by its name', () => {
    expect(inJson(5, 'coverImage')).toEqual(['5']);
    expect(inJson([5], 'gallery')).toEqual(['[0]: 5']);
    expect(inJson(5, 'imageWidth')).toEqual([]);
  });
});

describe('a number in a text', () => {
  it.each([
    ['fileId: 5', ['5']],
    ['<img src="a.png" data-id="17">', ['17']],
    ['<figure data-image-id="5">', ['5']],
    ['[gallery columns="17" ids="4, 5,17"]', ['5', '17']],
    ['{{ asset id=5 }}', ['5']],
    ['https://cms.example.com/upload/files/5', ['5']],
    ['/admin/plugins/upload?assetId=17', ['17']],
    ['{\\"imageId\\":\\"5\\"}', ['5']],
    ['photo: 5', ['5 ?']],
    ['image#17', ['17 ?']],
  ])('is one of a file in %j', (text, expected) => {
    expect(inText(text)).toEqual(expected);
  });

  it.each([
    'Image 5 shows 17 people.',
    'width=5, image_width=17',
    'file-5.png, /images/5.jpg, image=5.jpg, image: 5.5',
    'imageId=55, imageId=175, imageId=5a',
    'userId=5',
  ])('is none in %j', (text) => {
    expect(inText(text)).toEqual([]);
  });
});
