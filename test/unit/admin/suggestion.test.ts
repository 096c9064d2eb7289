import { describe, expect, it } from '@jest/globals';
import type { FileDuplicate } from '../../../admin/src/api/files';
import { suggestText } from '../../../admin/src/pages/Search/suggestion';

type Kind = FileDuplicate['pair']['kind'];

function duplicate(
  kind: Kind,
  {
    correlation,
    ...file
  }: { alternativeText?: string | null; name?: string; correlation?: number },
): FileDuplicate {
  const evidence = correlation === undefined ? {} : { correlation };
  return {
    pair: { id: 1, fileA: 1, fileB: 2, kind, evidence, status: 'open', foundAt: '', review: null },
    file: {
      id: 2,
      name: 'copy.jpg',
      url: '',
      mime: 'image/jpeg',
      formats: null,
      folder: null,
      ...file,
    },
  };
}

describe('suggestText', () => {
  it('takes the text of the nearest duplicate that has one', () => {
    const edited = duplicate('edited', { alternativeText: 'A crop', correlation: 0.99 });
    const same = duplicate('same-image', { alternativeText: 'A dog', correlation: 0.97 });
    const nearer = duplicate('same-image', { alternativeText: 'A brown dog', correlation: 0.99 });
    const identical = duplicate('identical', {
      alternativeText: '  A dog on grass ',
      name: 'a.jpg',
    });
    expect(suggestText([edited])).toEqual({ text: 'A crop', name: 'copy.jpg', kind: 'edited' });
    expect(suggestText([edited, same, nearer])?.text).toBe('A brown dog');
    expect(suggestText([edited, nearer, identical])).toEqual({
      text: 'A dog on grass',
      name: 'a.jpg',
      kind: 'identical',
    });
  });

  it('has nothing to suggest without a description', () => {
    expect(suggestText([])).toBeNull();
    const undescribed = [undefined, null, '', ' ', 'copy.jpg'].map((alternativeText) =>
      duplicate('identical', alternativeText === undefined ? {} : { alternativeText }),
    );
    expect(suggestText(undescribed)).toBeNull();
  });
});
