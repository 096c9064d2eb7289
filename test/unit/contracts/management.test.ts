import { describe, expect, it } from '@jest/globals';
import {
  entriesQuerySchema,
  indexStateSchema,
  reindexBodySchema,
} from '../../../plugin/src/contracts/management';
import { indexStates } from '../../../plugin/src/indexing/contract';

describe('the states of an index entry over HTTP', () => {
  it('match those of the queue', () => {
    expect(indexStateSchema.options).toEqual(indexStates);
  });
});

describe('the query for entries', () => {
  it('starts with the first page of all states', () => {
    expect(entriesQuerySchema.parse({})).toEqual({ limit: 25 });
  });

  it('reads state, cursor and limit from the query string', () => {
    expect(entriesQuerySchema.parse({ state: 'failed', cursor: '12', limit: '100' })).toEqual({
      state: 'failed',
      cursor: 12,
      limit: 100,
    });
  });

  it.each([
    { state: 'broken' },
    { cursor: '-1' },
    { cursor: 'x' },
    { cursor: '' },
    { limit: '0' },
    { limit: '101' },
    { limit: '' },
    { start: '5' },
  ])('rejects %j', (query) => {
    expect(entriesQuerySchema.safeParse(query).success).toBe(false);
  });
});

describe('the body of a reindex request', () => {
  it.each(['missing', 'failed', 'all'])('accepts the scope %s', (scope) => {
    expect(reindexBodySchema.parse({ scope })).toEqual({ scope });
  });

  it.each([{}, { scope: 'everything' }, { scope: 'all', force: true }])('rejects %j', (body) => {
    expect(reindexBodySchema.safeParse(body).success).toBe(false);
  });
});
