import { describe, expect, it } from '@jest/globals';
import { ModelIdentity } from '../../../../plugin/src/embedding/hosted/hosted-provider';
import { ImageSearchError } from '../../../../plugin/src/errors';

const endpoint = {
  host: 'api.example',
  model: 'jina-clip-v2',
  apiKey: 'key-of-nobody',
  modelSetting: 'embedding.model',
  requestSettings: 'embedding.model',
};

function identityOf(model: string): ModelIdentity {
  return new ModelIdentity(model, endpoint);
}

function failureOf(work: () => void): ImageSearchError {
  try {
    work();
  } catch (error) {
    if (error instanceof ImageSearchError) return error;
    throw error;
  }
  throw new Error('Expected a failure.');
}

describe('the name of the model in a response', () => {
  it.each([
    ['jina-clip-v2', 'jina-clip-v2'],
    ['jina-clip-v2', null],
    ['jina-clip-v2', ''],
    ['jina-clip-v2', 'jinaai/jina-clip-v2'],
    ['jinaai/jina-clip-v2', 'jina-clip-v2'],
    ['openai/clip-vit-base-patch32', '/models/openai/clip-vit-base-patch32'],
    ['gemini-embedding-2', 'models/gemini-embedding-2'],
    ['Qwen/Qwen3-VL-Embedding-2B', 'qwen/qwen3-vl-embedding-2b'],
    ['google/gemini-embedding-2:free', 'google/gemini-embedding-2'],
    ['multimodalembedding', 'multimodalembedding@001'],
    ['gemini-embedding-2', 'gemini-embedding-2-2026-03-15'],
  ])('%s can be reported as %s', (model, reported) => {
    expect(() => {
      identityOf(model).check(reported);
    }).not.toThrow();
  });

  it.each([
    ['jina-clip-v2', 'jina-clip-v1'],
    ['jina-clip-v2', 'jina-clip'],
    ['voyage-multimodal-3', 'voyage-multimodal-3-large'],
    ['2023-04-15', '2022-04-11'],
    ['model', 'other/another-model'],
  ])("%s can't become %s", (model, reported) => {
    const error = failureOf(() => {
      identityOf(model).check(reported);
    });
    expect(error).toMatchObject({ code: 'provider-model-changed', retryable: false });
    expect(error.message).toContain('embedding.model');
    expect(error.message).toContain(reported);
    expect(error.message).toContain('api.example');
  });

  it('can be a version of it, but must stay the same', () => {
    const identity = identityOf('gemini-embedding-2');
    identity.check('gemini-embedding-2-0315');
    identity.check('models/gemini-embedding-2-0315');
    identity.check(null);
    const error = failureOf(() => {
      identity.check('gemini-embedding-2-0901');
    });
    expect(error.message).toContain('gemini-embedding-2-0901');
    expect(error.message).toContain('gemini-embedding-2-0315');
  });

  it('is quoted without what a server must not inject', () => {
    const error = failureOf(() => {
      identityOf('a').check(`b\n\u202e${endpoint.apiKey} ${'x'.repeat(500)}`);
    });
    expect(error.message).not.toContain(endpoint.apiKey);
    expect(error.message).not.toMatch(/\n|\u202e|x{100}/);
  });
});
