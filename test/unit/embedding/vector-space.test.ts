import { describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';

const parts = {
  provider: 'openai',
  model: 'jina-clip-v2',
  dimensions: 512,
  preprocessing: 'image/jpeg of at most 512 px',
};

describe('createVectorSpace', () => {
  it('keeps its parts and derives a readable id', () => {
    const space = createVectorSpace(parts);
    expect(space).toEqual({ ...parts, id: space.id });
    expect(space.id).toMatch(/^openai-jina-clip-v2-512-[0-9a-f]{10}$/);
  });

  it('returns the same id for the same parts, across versions', () => {
    // If the id changed, every library would be embedded again.
    expect(createVectorSpace({ ...parts }).id).toBe('openai-jina-clip-v2-512-e668d7d317');
  });

  it.each([
    [{ provider: 'clip' }],
    [{ model: 'jina-clip-v1' }],
    [{ model: 'Jina-CLIP-v2' }],
    [{ model: 'jina/clip-v2' }],
    [{ dimensions: 256 }],
    [{ preprocessing: 'image/jpeg of at most 448 px' }],
  ])('returns a different id for %j', (change) => {
    expect(createVectorSpace({ ...parts, ...change }).id).not.toBe(createVectorSpace(parts).id);
  });

  it.each(['a'.repeat(500), 'Owner/Model.v2_final (beta)', '日本語', '../../etc', '---', ''])(
    'creates an id that stores accept for the model "%s"',
    (model) => {
      const { id } = createVectorSpace({ ...parts, model });
      expect(id).toMatch(/^[a-z0-9][a-z0-9-]{0,99}$/);
    },
  );

  it('distinguishes long names with the same ending', () => {
    const ids = ['one', 'two'].map(
      (start) => createVectorSpace({ ...parts, model: start + '-x'.repeat(100) }).id,
    );
    expect(new Set(ids).size).toBe(2);
  });
});
