import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  scanStates,
  type DuplicateScans,
  type ScanRecord,
} from '../../../plugin/src/duplicates/contract';
import { problemSchema } from '../../../plugin/src/contracts/errors';
import { DUPLICATE_SCAN_UID } from '../plugin-id';
import { problemColumns, toProblem } from './problems';

const NAME = 'library';
const never = { state: 'never', number: 0, found: 0, failed: 0 } as const;

const dateSchema = z.coerce.date().nullable();
const rowSchema = z.object({
  state: z.enum(scanStates),
  number: z.number(),
  found: z.number(),
  failed: z.number().nullable(),
  perMinute: z.number().nullable(),
  problem: z.string().nullable(),
  problemCode: problemSchema.shape.code.nullable().catch('unexpected'),
  startedAt: dateSchema,
  endedAt: dateSchema,
  progressAt: dateSchema,
});

/** The duplicate scan in Strapi's database. Every change is one conditional UPDATE. */
export function createDuplicateScans(strapi: Core.Strapi): DuplicateScans {
  const rows = () => strapi.db.query(DUPLICATE_SCAN_UID);

  async function read(): Promise<ScanRecord> {
    const row: unknown = await rows().findOne({ where: { name: NAME } });
    if (row !== null) {
      const { failed, problem, problemCode, ...scan } = rowSchema.parse(row);
      return { ...scan, failed: failed ?? 0, problem: toProblem(problem, problemCode) };
    }
    const unknown = {
      perMinute: null,
      problem: null,
      startedAt: null,
      endedAt: null,
      progressAt: null,
    };
    return { ...never, ...unknown };
  }

  /** Another process may do the same at this moment. */
  async function ensure(): Promise<void> {
    if ((await rows().count({ where: { name: NAME } })) > 0) return;
    const { tableName } = strapi.db.metadata.get(DUPLICATE_SCAN_UID);
    const row = { name: NAME, ...never };
    await strapi.db.getConnection(tableName).insert(row).onConflict('name').ignore();
  }

  async function update(where: object, data: object): Promise<boolean> {
    const { count } = await rows().updateMany({ where: { ...where, name: NAME }, data });
    return count > 0;
  }

  async function add(number: number, counter: 'found' | 'failed', count: number): Promise<void> {
    if (count === 0) return;
    // A row older than the counter has null there, to which nothing can be added.
    await update({ number, [counter]: { $null: true } }, { [counter]: 0 });
    await strapi.db
      .queryBuilder(DUPLICATE_SCAN_UID)
      .where({ name: NAME, number })
      .increment(counter, count)
      .execute();
  }

  return {
    read,

    async begin({ restart, now }) {
      await ensure();
      const { failed, found, number, startedAt, state } = await read();
      if (state === 'running') return read();
      const isGoingOn = state === 'stopped';
      await update(
        { state, number },
        {
          state: 'running',
          number: restart && !isGoingOn ? number + 1 : number,
          found: isGoingOn ? found : 0,
          failed: isGoingOn ? failed : 0,
          startedAt: (isGoingOn ? startedAt : null) ?? now,
          endedAt: null,
          perMinute: null,
          ...problemColumns(null),
          progressAt: null,
        },
      );
      return read();
    },

    async stop(now) {
      await ensure();
      const ended = { state: 'stopped', endedAt: now, perMinute: null, ...problemColumns(null) };
      await update({ state: { $ne: 'stopped' } }, ended);
      return read();
    },

    async reportProgress(number, { found, failed, now, perMinute, problem }) {
      const isRunning = await update(
        { number, state: 'running' },
        { perMinute, ...problemColumns(problem), progressAt: now },
      );
      if (isRunning) {
        await add(number, 'found', found);
        await add(number, 'failed', failed);
      }
      return isRunning;
    },

    finish: (number, now) =>
      update(
        { number, state: 'running' },
        { state: 'done', endedAt: now, perMinute: null, ...problemColumns(null) },
      ),
  };
}
