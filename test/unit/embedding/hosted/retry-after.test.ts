import { describe, expect, it } from '@jest/globals';
import { parseRetryAfter } from '../../../../plugin/src/embedding/hosted/http-failures';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

describe('parseRetryAfter', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': ' 1.5 ' }, 1_500],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:04:35 GMT' }, 30_000],
    [{ 'retry-after': 'Friday, 02-Jan-26 03:04:35 GMT' }, 30_000],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:04:00 GMT' }, 0],
    [{ 'retry-after': 'Sat, 02 Jan 2027 03:04:05 GMT' }, 3_600_000],
    [{ 'retry-after': '999999999' }, 3_600_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': 'Soon, very soon' }, undefined],
    [{ 'retry-after': '-3' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
  ])('reads %j as %s', (headers, expected) => {
    expect(parseRetryAfter(new Headers(headers), now)).toBe(expected);
  });
});
