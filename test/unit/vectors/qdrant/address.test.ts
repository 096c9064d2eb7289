import { describe, expect, it } from '@jest/globals';
import { parseAddress } from '../../../../plugin/src/vectors/qdrant/connection';

describe('the URL of Qdrant', () => {
  it.each([
    ['http://localhost', 'http://localhost:6333', ''],
    ['https://qdrant.example.com', 'https://qdrant.example.com:6333', ''],
    ['http://localhost:8080/', 'http://localhost:8080', ''],
    ['https://example.com:443/qdrant', 'https://example.com:443', '/qdrant'],
    ['http://example.com:80/a/b/', 'http://example.com:80', '/a/b'],
    ['https://[::1]:443', 'https://[::1]:443', ''],
    ['https://[::1]/v', 'https://[::1]:6333', '/v'],
  ])('%s is %s with the prefix "%s"', (url, origin, prefix) => {
    const port = Number(/\d+$/.exec(origin)?.[0]);
    expect(parseAddress(url)).toEqual({ origin, port, prefix, text: origin + prefix });
  });
});
