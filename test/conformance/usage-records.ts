import { describe, expect, it } from '@jest/globals';
import { noFigures, type UsageRecord, type UsageRecords } from '../../plugin/src/billing/contract';
import { range } from './index-entries/situations';

const key = { month: '2026-01', provider: 'openai', model: 'jina-clip-v2' };
const one = {
  images: 3,
  texts: 1,
  imageTokens: 4_000_000_000,
  textTokens: 7,
  cost: 0.25,
  unstatedRequests: 1,
  imageMilliseconds: 1_500,
};

/** @param empty opens records that are empty */
export function describeUsageRecords(name: string, empty: () => Promise<UsageRecords>): void {
  describe(`usage records ${name}`, () => {
    it('are empty at first', async () => {
      expect(await (await empty()).list(key.month)).toEqual([]);
    });

    it('add up, beyond what fits into 32 bits', async () => {
      const records = await empty();
      await records.add(key, one);
      await records.add(key, one);
      expect(await records.list(key.month)).toEqual([
        {
          ...key,
          images: 6,
          texts: 2,
          imageTokens: 8_000_000_000,
          textTokens: 14,
          cost: 0.5,
          unstatedRequests: 2,
          imageMilliseconds: 3_000,
        },
      ]);
    });

    it('keep months, providers and models separate', async () => {
      const records = await empty();
      const keys = [
        key,
        { ...key, month: '2026-02' },
        { ...key, provider: 'clip' },
        { ...key, model: 'jina-embeddings-v4' },
      ];
      for (const [index, other] of keys.entries()) {
        await records.add(other, { ...noFigures, images: index + 1 });
      }
      const january = await records.list('2026-01');
      expect(january.map(({ images }) => images).sort()).toEqual([1, 3, 4]);
      expect(await records.list('2026-02')).toMatchObject([{ ...keys[1], images: 2 }]);
      expect(await records.list('2025-12')).toEqual([]);
    });

    it('lose no concurrent additions, including the first row', async () => {
      const records = await empty();
      await Promise.all(range(1, 40).map((images) => records.add(key, { ...noFigures, images })));
      const [record, ...others]: UsageRecord[] = await records.list(key.month);
      expect(others).toEqual([]);
      expect(record?.images).toBe(820);
    });
  });
}
