import { describe, expect, it } from '@jest/globals';
import { withFilter } from '../../../admin/src/pages/Search/filter-values';
import {
  addExample,
  emptyQuery,
  isQuestion,
  readQuery,
  writeQuery,
  type SearchQuery,
} from '../../../admin/src/pages/Search/query';
import { toSearchFields } from '../../../admin/src/pages/Search/request';

const query: SearchQuery = {
  text: 'red fruit & co',
  like: [3, 5],
  unlike: [7],
  picture: '12-34',
  filters: { folder: 2, type: 'svg+xml', days: 30, orientation: 'portrait', usage: 'unused' },
};

describe('A query in the page’s address', () => {
  it('is read as it was written', () => {
    expect(readQuery(new URLSearchParams(writeQuery(query).toString()))).toEqual(query);
  });

  it('leaves out what it does not know', () => {
    const address = new URLSearchParams(
      'text=a&like=x&like=-1&like=4&like=4&unlike=99999999999&type=exe&days=2&folder=no&other=1',
    );
    expect(readQuery(address)).toEqual({ ...emptyQuery, text: 'a', like: [4] });
  });

  it('knows days of the calendar, and only those that there are', () => {
    const filters = { from: '2024-02-29', to: '2026-03-31' };
    expect(readQuery(writeQuery({ ...query, filters }))).toEqual({ ...query, filters });
    for (const day of ['2026-02-29', '2026-3-1', '2026', '20260301', 'x', '']) {
      expect(readQuery(new URLSearchParams({ text: 'a', from: day, to: day })).filters).toEqual({});
    }
  });

  it('has days back or days of the calendar, not both', () => {
    expect(withFilter({ days: 7, type: 'png' }, 'from', '2026-01-01')).toEqual({
      type: 'png',
      from: '2026-01-01',
    });
    expect(withFilter({ from: '2026-01-01', to: '2026-01-31' }, 'days', 7)).toEqual({ days: 7 });
  });

  it('is no question when there are filters or counterexamples alone', () => {
    expect(isQuestion({ ...emptyQuery, unlike: [1], filters: { type: 'png' } })).toBe(false);
    expect(isQuestion({ ...emptyQuery, like: [1] })).toBe(true);
  });

  it('has words for what pictures shall not show, digits among them', () => {
    for (const without of ['people', '7', 'a & b']) {
      const asked = { ...query, filters: { without } };
      expect(readQuery(new URLSearchParams(writeQuery(asked).toString()))).toEqual(asked);
    }
    expect(readQuery(new URLSearchParams({ text: 'a', without: '  ' })).filters).toEqual({});
    const asked = { ...emptyQuery, text: 'a', unlike: [3], filters: { without: 'people' } };
    expect(toSearchFields(asked, null, new Date(0))).toEqual({ text: 'a', unlike: ['people', 3] });
  });

  it('asks for no more examples than the server takes, words included', () => {
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const asked = { ...query, like: ids, unlike: ids, filters: { without: 'people' } };
    const fields = toSearchFields(asked, null, new Date(0));
    expect(fields).toMatchObject({
      like: [query.text, ...ids.slice(0, 19)],
      unlike: ['people', ...ids.slice(0, 19)],
    });
  });

  it('has a file on one side only, and no more of them than may be asked for', () => {
    expect(addExample(query, 'unlike', 3)).toMatchObject({ like: [5], unlike: [7, 3] });
    const many = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(addExample({ ...query, like: many }, 'like', 40).like).toEqual([...many.slice(1), 40]);
  });
});

describe('What the server is asked', () => {
  const today = new Date(2026, 4, 20, 15, 30);
  const folders = [
    { id: 2, name: 'Blog', depth: 0, idsWithin: [2, 9] },
    { id: 9, name: '2023', depth: 1, idsWithin: [9] },
  ];

  it('takes the words for an example when a picture is the question', () => {
    expect(toSearchFields({ ...query, filters: {} }, null, today)).toEqual({
      like: ['red fruit & co', 3, 5],
      unlike: [7],
    });
  });

  it('names every folder within the chosen one, and days from their beginning', () => {
    expect(toSearchFields({ ...query, picture: null }, folders, today)).toEqual({
      text: 'red fruit & co',
      like: [3, 5],
      unlike: [7],
      filters: {
        $and: [
          { folder: { id: { $in: [2, 9] } } },
          { mime: { $eq: 'image/svg+xml' } },
          { createdAt: { $gte: new Date(2026, 3, 20).toISOString() } },
        ],
      },
      orientation: 'portrait',
      unused: true,
    });
  });

  it('takes the last day of a span in', () => {
    const filters = { from: '2026-03-01', to: '2026-03-31' };
    expect(toSearchFields({ ...emptyQuery, text: 'a', filters }, null, today)).toMatchObject({
      filters: {
        $and: [
          { createdAt: { $gte: new Date(2026, 2, 1).toISOString() } },
          { createdAt: { $lt: new Date(2026, 3, 1).toISOString() } },
        ],
      },
    });
  });

  it('waits for the folders when it is narrowed to one', () => {
    expect(toSearchFields(query, null, today)).toBeNull();
  });
});
