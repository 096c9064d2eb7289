import { describe, expect, it } from '@jest/globals';
import {
  listYears,
  addExample,
  canSearch,
  emptyQuery,
  readQuery,
  setFilter,
  toFacetRequests,
  toSearchFields,
  writeQuery,
  type SearchQuery,
} from '../../../admin/src/pages/Search/query';

const query: SearchQuery = {
  text: 'red fruit & co',
  like: [3, 5],
  unlike: [7],
  image: '12-34',
  region: null,
  filters: {
    folder: 2,
    type: 'svg+xml',
    days: 30,
    color: '#00aa77',
    orientation: 'portrait',
    usage: 'unused',
  },
  sort: 'oldest',
};

describe('A query in the page’s address', () => {
  it('reads what it wrote', () => {
    expect(readQuery(new URLSearchParams(writeQuery(query).toString()))).toEqual(query);
  });

  it('ignores unknown parameters and values', () => {
    const address = new URLSearchParams(
      'text=a&like=x&like=-1&like=4&like=4&unlike=99999999999&type=exe&days=2&folder=no&other=1',
    );
    expect(readQuery(address)).toEqual({ ...emptyQuery, text: 'a', like: [4] });
  });

  it('reads calendar days, but only days that exist', () => {
    const filters = { from: '2024-02-29', to: '2026-03-31' };
    expect(readQuery(writeQuery({ ...query, filters }))).toEqual({ ...query, filters });
    for (const day of ['2026-02-29', '2026-3-1', '2026', '20260301', 'x', '']) {
      expect(readQuery(new URLSearchParams({ text: 'a', from: day, to: day })).filters).toEqual({});
    }
  });

  it('has days back or calendar days, not both', () => {
    expect(setFilter({ days: 7, type: 'png' }, 'from', '2026-01-01')).toEqual({
      type: 'png',
      from: '2026-01-01',
    });
    expect(setFilter({ from: '2026-01-01', to: '2026-01-31' }, 'days', 7)).toEqual({ days: 7 });
    expect(setFilter({ from: '2026-01-01', to: '2026-01-31' }, 'year', 2025)).toEqual({
      year: 2025,
    });
    expect(setFilter({ year: 2025 }, 'to', '2026-01-31')).toEqual({ to: '2026-01-31' });
  });

  it('reads years and orders, but only those that there are', () => {
    expect(readQuery(new URLSearchParams('text=a&year=2025&sort=name'))).toEqual({
      ...emptyQuery,
      text: 'a',
      filters: { year: 2025 },
      sort: 'name',
    });
    expect(readQuery(new URLSearchParams('text=a&year=25&sort=size'))).toEqual({
      ...emptyQuery,
      text: 'a',
    });
  });

  it('has a part of an image while there is one image', () => {
    const region = { x: 0.25, y: 0, width: 0.5, height: 0.125 };
    for (const one of [{ like: [3] }, { image: '12-34' }]) {
      const cropping = { ...emptyQuery, text: 'a', ...one, region };
      expect(readQuery(new URLSearchParams(writeQuery(cropping).toString()))).toEqual(cropping);
      expect(toSearchFields(cropping, { folders: null, today: new Date(0) })).toMatchObject({
        region,
      });
    }
    const several = { ...emptyQuery, like: [3, 5], region };
    expect(writeQuery(several).has('region')).toBe(false);
    expect(toSearchFields(several, { folders: null, today: new Date(0) })?.['region']).toBe(
      undefined,
    );
    for (const wrong of ['0 0 1', '0.5 0 0.6 1', '0 0 0 1', 'a b c d', '0 0 1 1 1']) {
      const address = new URLSearchParams({ like: '3', region: wrong });
      expect(readQuery(address).region).toBeNull();
    }
  });

  it('forgets the part when its image is no longer the only one', () => {
    const region = { x: 0, y: 0, width: 0.5, height: 1 };
    const cropping = { ...emptyQuery, like: [3], unlike: [7], region };
    expect(addExample(cropping, 'like', 9).region).toBeNull();
    expect(addExample(cropping, 'unlike', 9).region).toEqual(region);
    expect(addExample(cropping, 'unlike', 3).region).toBeNull();
  });

  it('needs more than counterexamples to search', () => {
    expect(canSearch({ ...emptyQuery, unlike: [1], filters: { type: 'png' } })).toBe(false);
    expect(canSearch({ ...emptyQuery, filters: { type: 'png', exclude: 'people' } })).toBe(false);
    expect(canSearch({ ...emptyQuery, filters: {} })).toBe(false);
    expect(canSearch({ ...emptyQuery, like: [1] })).toBe(true);
  });

  it('lists what passes its filters when there is nothing else', () => {
    const filtering = { ...emptyQuery, filters: { type: 'png', usage: 'unused' } as const };
    expect(canSearch(filtering)).toBe(true);
    expect(toSearchFields(filtering, { folders: null, today: new Date(0) })).toEqual({
      filters: { $and: [{ mime: { $eq: 'image/png' } }] },
      unused: true,
    });
  });

  it('has a text that excludes images, which may consist of digits', () => {
    for (const exclude of ['people', '7', '007', 'a & b']) {
      const excluding = { ...query, filters: { exclude } };
      expect(readQuery(new URLSearchParams(writeQuery(excluding).toString()))).toEqual(excluding);
    }
    expect(readQuery(new URLSearchParams({ text: 'a', without: '  ' })).filters).toEqual({});
    const excluding = { ...emptyQuery, text: 'a', unlike: [3], filters: { exclude: 'people' } };
    expect(toSearchFields(excluding, { folders: null, today: new Date(0) })).toEqual({
      text: 'a',
      unlike: ['people', 3],
      collapse: true,
    });
  });

  it('sends no more examples than the server accepts, texts included', () => {
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const crowded = { ...query, like: ids, unlike: ids, filters: { exclude: 'people' } };
    const fields = toSearchFields(crowded, { folders: null, today: new Date(0) });
    expect(fields).toMatchObject({
      like: [query.text, ...ids.slice(0, 19)],
      unlike: ['people', ...ids.slice(0, 19)],
    });
  });

  it('has a file on one side only, and no more files than the server accepts', () => {
    expect(addExample(query, 'unlike', 3)).toMatchObject({ like: [5], unlike: [7, 3] });
    const many = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(addExample({ ...query, like: many }, 'like', 40).like).toEqual([...many.slice(1), 40]);
  });
});

describe('A search request', () => {
  const today = new Date(2026, 4, 20, 15, 30);
  const folders = [
    { id: 2, name: 'Blog', depth: 0, idsWithin: [2, 9] },
    { id: 9, name: '2023', depth: 1, idsWithin: [9] },
  ];

  it('sends the text as an example when the query has an image', () => {
    expect(toSearchFields({ ...query, filters: {} }, { folders: null, today })).toEqual({
      like: ['red fruit & co', 3, 5],
      unlike: [7],
      sort: 'createdAt:asc',
      collapse: true,
    });
  });

  it('includes folders within the chosen one, and counts days from midnight', () => {
    expect(toSearchFields({ ...query, image: null }, { folders, today })).toEqual({
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
      color: '#00aa77',
      orientation: 'portrait',
      unused: true,
      sort: 'createdAt:asc',
      collapse: true,
    });
  });

  it('includes the last day of a range', () => {
    const filters = { from: '2026-03-01', to: '2026-03-31' };
    expect(
      toSearchFields({ ...emptyQuery, text: 'a', filters }, { folders: null, today }),
    ).toMatchObject({
      filters: {
        $and: [
          { createdAt: { $gte: new Date(2026, 2, 1).toISOString() } },
          { createdAt: { $lt: new Date(2026, 3, 1).toISOString() } },
        ],
      },
    });
  });

  it('waits for the folders when it filters by one', () => {
    expect(toSearchFields(query, { folders: null, today })).toBeNull();
  });
});

describe('The requests that count images for filters', () => {
  const context = { folders: [], today: new Date(2026, 4, 20) };

  it('are one while no filter has counts', () => {
    const filters = { usage: 'unused' } as const;
    expect(toFacetRequests({ ...emptyQuery, text: 'dog', filters }, context)).toEqual([
      {
        facets: ['kind', 'type', 'folder', 'year', 'color'],
        fields: { text: 'dog', unused: true },
      },
    ]);
    expect(toFacetRequests(emptyQuery, context)).toEqual([
      { facets: ['kind', 'type', 'folder', 'year', 'color'], fields: {} },
    ]);
  });

  it('follow the other filters, not the one that they are for', () => {
    const filters = { type: 'png', year: 2025 } as const;
    const png = { mime: { $eq: 'image/png' } };
    const year = [
      { createdAt: { $gte: '2025-01-01T00:00:00.000Z' } },
      { createdAt: { $lt: '2026-01-01T00:00:00.000Z' } },
    ];
    expect(toFacetRequests({ ...emptyQuery, filters }, context)).toEqual([
      { facets: ['kind', 'folder', 'color'], fields: { filters: { $and: [png, ...year] } } },
      { facets: ['type'], fields: { filters: { $and: year } } },
      { facets: ['year'], fields: { filters: { $and: [png] } } },
    ]);
    const days = { days: 7 } as const;
    expect(toFacetRequests({ ...emptyQuery, filters: days }, context)[1]).toEqual({
      facets: ['year'],
      fields: {},
    });
  });

  it('are none where nothing can be counted', () => {
    const excluding = { ...emptyQuery, filters: { exclude: 'people' } };
    expect(toFacetRequests(excluding, context)).toEqual([]);
    const unloaded = { ...context, folders: null };
    const filters = { folder: 2 };
    expect(toFacetRequests({ ...emptyQuery, filters }, unloaded)).toHaveLength(1);
  });
});

describe('years to choose from', () => {
  const today = new Date('2026-02-01T00:00:00Z');

  it('go back to the oldest image, whether it was counted or not', () => {
    expect(listYears(new Date('2023-12-31T23:30:00Z'), today, [2026, 2021])).toEqual([
      2026, 2025, 2024, 2023, 2021,
    ]);
  });

  it('are those that were counted while the oldest is unknown', () => {
    expect(listYears(null, today, [2024])).toEqual([2024]);
    expect(listYears(new Date(0), today)).toHaveLength(57);
    expect(listYears(new Date('2027-01-01T00:00:00Z'), today)).toEqual([]);
  });
});
