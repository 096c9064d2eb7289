import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../../plugin/src/config';
import { identityOf, reopenConfig } from '../../../plugin/src/embedding/registry';
import { isSameIdentity } from '../../../plugin/src/embedding/vector-space';

const SECRET = 'secret-of-the-first-host';

function embedding(input: object) {
  return parseConfig({ embedding: input }).embedding;
}

const hosted = embedding({
  provider: 'openai',
  baseURL: 'https://one.example/v1',
  apiKey: SECRET,
  model: 'jina-clip-v2',
});
const local = embedding({ provider: 'clip', model: 'models/one', threads: 3 });

describe('the identity of a model', () => {
  it('names what determines its vectors, and nothing secret or machine-specific', () => {
    expect(identityOf(hosted)).toEqual({
      provider: 'openai',
      baseURL: 'https://one.example/v1',
      model: 'jina-clip-v2',
      imageFormat: 'jina',
      dimensions: 512,
      maxEdge: 512,
    });
    expect(JSON.stringify(identityOf(hosted))).not.toContain(SECRET);
    expect(identityOf(local)).toEqual({ provider: 'clip', model: 'models/one', dtype: 'q8' });
  });

  it('is only the same for the same values', () => {
    expect(isSameIdentity(identityOf(local), { ...identityOf(local) })).toBe(true);
    expect(isSameIdentity(identityOf(local), { ...identityOf(local), dtype: 'fp32' })).toBe(false);
    expect(isSameIdentity(identityOf(local), { ...identityOf(local), more: 1 })).toBe(false);
  });
});

describe('the settings of a model that the configuration no longer names', () => {
  it('are those of the configuration if it names the model', () => {
    expect(reopenConfig(identityOf(local), [hosted, local])).toBe(local);
  });

  it('take machine settings from a model of the same kind', () => {
    const next = embedding({ provider: 'clip', model: 'models/two', threads: 2 });
    expect(reopenConfig(identityOf(local), [next])).toMatchObject({
      model: 'models/one',
      threads: 2,
    });
  });

  it('take the key for the same URL', () => {
    const next = { ...hosted, dimensions: 256 };
    expect(reopenConfig(identityOf(hosted), [next])).toMatchObject({
      apiKey: SECRET,
      dimensions: 512,
    });
  });

  it('never use a key for another URL, but say what is missing', () => {
    const elsewhere = { ...hosted, baseURL: 'https://two.example/v1' };
    for (const configured of [[elsewhere], [local]]) {
      expect(() => reopenConfig(identityOf(hosted), configured)).toThrow(
        /"jina-clip-v2".*apiKey.*previousEmbedding/,
      );
    }
  });
});
