import { findings } from '../conformance/duplicate-pairs/situations';
import { range } from '../conformance/index-entries/situations';
import type { DuplicatesApp } from './duplicates-app';
import { productOf } from './search-app';

const FIRST = 100_000;
const COPIES = 3_750;
const TWINS = 2_500;
const ROWS_PER_INSERT = 100;
const PAIRS_PER_BATCH = 250;

/**
 * Puts 10,000 open pairs on record: twice 3,750 copies of an image, and 2,500 pairs apart. Their files are rows like
 * that of `templateId`.
 *
 * @returns how many groups they make, and what takes the rows away
 */
export async function recordManyPairs(
  app: DuplicatesApp,
  templateId: number,
): Promise<{ groups: number; remove: () => Promise<void> }> {
  const database = app.strapi.db.connection;
  const template: unknown = await database('files').where({ id: templateId }).first();
  if (typeof template !== 'object') throw new Error(`There is no file ${String(templateId)}.`);
  const firstTwin = FIRST + 2 * (COPIES + 1);
  const rows = range(FIRST, firstTwin - FIRST + 2 * TWINS).map((id) => ({ ...template, id }));
  await database.batchInsert('files', rows, ROWS_PER_INSERT);
  const { pairs } = productOf(app);
  for (const start of [FIRST, FIRST + COPIES + 1]) {
    await pairs.record([findings(start, range(start + 1, COPIES))]);
  }
  for (let done = 0; done < TWINS; done += PAIRS_PER_BATCH) {
    const ids = range(0, PAIRS_PER_BATCH).map((index) => firstTwin + 2 * (done + index));
    await pairs.record(ids.map((id) => findings(id, [id + 1])));
  }
  return {
    groups: 2 + TWINS,
    remove: async () => {
      await database('files').where('id', '>=', FIRST).delete();
    },
  };
}
