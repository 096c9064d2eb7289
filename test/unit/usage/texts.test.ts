import { describe, expect, it } from '@jest/globals';
import { mentions, needlesOf } from '../../../server/src/usage/texts';

const documentId = 'h0lqyu6xk4yv2c1w9b3n5m7p';
const HASH = 'bay_0a1b2c3d4e';
const file = {
  id: 1,
  documentId,
  hash: HASH,
  urls: [`/uploads/${HASH}.png`, `/uploads/small_${HASH}.png`],
};
const imported = { ...file, hash: 'bay', urls: ['/uploads/bay.png'] };
const foreign = {
  ...file,
  hash: 'Bucht im März_0a1b2c3d4e',
  urls: ['/uploads/Bucht im März_0a1b2c3d4e.png'],
};

describe('a text names a file', () => {
  it.each([
    ['by its URL', `![](/uploads/${HASH}.png)`],
    ['by its full URL', `https://cms.example.com/uploads/${HASH}.png?w=3`],
    ['by a format', `/uploads/small_${HASH}.png`],
    ['by its encoded URL', `/image?url=${encodeURIComponent(`/uploads/${HASH}.png`)}`],
    ['by its storage name', `{"public_id":"${HASH}"}`],
    ['by a name that contains its storage name', `https://cdn.example.com/${HASH}_400x300.webp`],
    ['by its document id', `{"picked":"${documentId}"}`],
  ])('%s', (_name, text) => {
    expect(mentions(text, file)).toBe(true);
    expect(needlesOf(file).some((needle) => text.includes(needle))).toBe(true);
  });

  it('by a URL that needs encoding, encoded or not', () => {
    for (const text of [foreign.urls[0] ?? '', encodeURI(foreign.urls[0] ?? '')]) {
      expect(mentions(text, foreign)).toBe(true);
      expect(needlesOf(foreign).some((needle) => text.includes(needle))).toBe(true);
    }
  });

  it('with a short storage name only by its URL', () => {
    expect(mentions('A word about a bay', imported)).toBe(false);
    expect(mentions('![](/uploads/bay.png)', imported)).toBe(true);
    expect(mentions('/image?url=%2Fuploads%2Fbay.png', imported)).toBe(true);
    const word = { ...imported, hash: 'мир', urls: ['/uploads/мир.png'] };
    expect(mentions('/uploads/other.png', word)).toBe(false);
    expect(mentions(`/uploads/${encodeURIComponent('мир')}.png`, word)).toBe(true);
  });
});

describe("a text doesn't name a file", () => {
  it.each([
    ['when it names another file', '/uploads/bay_ffffffffff.png'],
    ['when it names a copy uploaded again', `/uploads/${HASH}_ffffffffff.png`],
    ['when it names a format of that copy', `/uploads/small_${HASH}_1_ffffffffff.png`],
    ['when it is empty', ''],
  ])('%s', (_name, text) => {
    expect(mentions(text, file)).toBe(false);
  });
});
