import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../../../plugin/src/config';

const parse = (settings: Record<string, unknown>) =>
  parseConfig({ vectors: { store: 'qdrant', url: 'http://localhost:6333', ...settings } }).vectors;

describe('the settings of Qdrant', () => {
  it('require only a URL', () => {
    expect(parse({})).toEqual({
      store: 'qdrant',
      url: 'http://localhost:6333',
      collectionPrefix: 'image-search',
      quantization: 'none',
      onDisk: false,
      hnsw: { efSearch: 512 },
      timeoutSeconds: 10,
    });
    expect(() => parse({ url: undefined })).toThrow('vectors.url');
  });

  it('are all preserved', () => {
    const settings = {
      url: 'https://example.com/qdrant',
      apiKey: 'key',
      collectionPrefix: 'shop_2',
      shards: 3,
      replicas: 2,
      writeConsistency: 2,
      quantization: 'scalar',
      onDisk: true,
      hnsw: { m: 32, efConstruct: 200, efSearch: 256 },
      timeoutSeconds: 5,
    };
    expect(parse(settings)).toEqual({ store: 'qdrant', ...settings });
  });

  it.each([
    ['http://admin:hunter2@localhost:6333', 'vectors.apiKey'],
    ['http://hunter2@localhost', 'vectors.apiKey'],
    ['ftp://localhost', 'http:// or https://'],
    ['localhost:6333', 'http:// or https://'],
    ['//localhost', 'must be an address'],
    ['http://localhost?api-key=hunter2', 'query'],
    ['http://localhost#hunter2', 'fragment'],
  ])('reject the URL %s without showing it', (url, expected) => {
    const attempt = () => parse({ url });
    expect(attempt).toThrow(expected);
    expect(attempt).not.toThrow('hunter2');
  });

  it.each([
    [{ apiKey: 'two words' }, 'vectors.apiKey'],
    [{ apiKey: 'line\nbreak' }, 'vectors.apiKey'],
    [{ apiKey: '' }, 'vectors.apiKey'],
    [{ collectionPrefix: 'with/slash' }, 'vectors.collectionPrefix'],
    [{ collectionPrefix: '' }, 'vectors.collectionPrefix'],
    [{ quantization: 'product' }, 'vectors.quantization'],
    [{ shards: 0 }, 'vectors.shards'],
    [{ replicas: 1, writeConsistency: 2 }, 'vectors.writeConsistency'],
    [{ hnsw: { ef: 5 } }, 'allowed: m, efConstruct, efSearch'],
    [{ path: 'a.sqlite' }, 'vectors has no setting "path"'],
  ])('reject %j by name', (settings, expected) => {
    expect(() => parse(settings)).toThrow(expected);
  });

  it('never show the key', () => {
    expect(() => parse({ apiKey: 'hunter2 hunter2' })).not.toThrow('hunter2');
  });
});
