import { describe, expect, it } from '@jest/globals';
import { retryConflicts } from '../../server/src/repositories/row-locks';

const outside = { db: { inTransaction: () => false } };
const inside = { db: { inTransaction: () => true } };

/** Fails this often with this code, then succeeds. Records the times of the attempts. */
class Statement {
  readonly triedAt: number[] = [];
  readonly #code: string;
  readonly #failures: number;

  constructor(code: string, failures: number) {
    this.#code = code;
    this.#failures = failures;
  }

  run(): Promise<string> {
    this.triedAt.push(performance.now());
    if (this.triedAt.length > this.#failures) return Promise.resolve('done');
    return Promise.reject(Object.assign(new Error('No.'), { code: this.#code }));
  }
}

describe('a statement that lost a deadlock', () => {
  it.each(['40P01', '40001', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD'])(
    'is retried after a pause: %s',
    async (code) => {
      const statement = new Statement(code, 2);
      expect(await retryConflicts(outside, () => statement.run())).toBe('done');
      const [first = 0, second = 0, third = 0] = statement.triedAt;
      expect(statement.triedAt).toHaveLength(3);
      // An immediate retry would run into the same conflict.
      expect(Math.min(second - first, third - second)).toBeGreaterThan(1);
    },
  );

  it('fails with its transaction', async () => {
    const statement = new Statement('40P01', 1);
    await expect(retryConflicts(inside, () => statement.run())).rejects.toMatchObject({
      code: '40P01',
    });
    expect(statement.triedAt).toHaveLength(1);
  });
});

it("a statement that fails for another reason isn't retried", async () => {
  const statement = new Statement('23505', 1);
  await expect(retryConflicts(outside, () => statement.run())).rejects.toMatchObject({
    code: '23505',
  });
  expect(statement.triedAt).toHaveLength(1);
});
