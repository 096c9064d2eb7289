import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { hashContent } from '../../../plugin/src/images/trace';

describe('hashContent', () => {
  it('is SHA-256 in hexadecimal', async () => {
    expect(await hashContent(Buffer.from('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it.each([0, 999_999, 1_000_000, 1_000_001, 3_000_000])(
    'works for %i bytes too',
    async (length) => {
      const bytes = Buffer.alloc(length, 'content');
      const expected = createHash('sha256').update(bytes).digest('hex');
      expect(await hashContent(bytes)).toBe(expected);
    },
  );

  it('yields to other work within a large file', async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await hashContent(Buffer.alloc(10_000_000));
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(9);
  });
});
