import { describe, expect, it } from '@jest/globals';
import {
  hasMedia,
  picturesIn,
  placeBeside,
  type Components,
  type FieldOwner,
} from '../../../admin/src/editors/entry-pictures';

const slide: FieldOwner = { attributes: { image: { type: 'media' } } };
const components: Components = {
  'shared.slide': slide,
  'shared.slider': { attributes: { slides: { type: 'component', component: 'shared.slide' } } },
  'shared.quote': {
    attributes: {
      text: { type: 'text' },
      nested: { type: 'component', component: 'shared.quote' },
    },
  },
};
const article: FieldOwner = {
  attributes: {
    title: { type: 'string' },
    cover: { type: 'media' },
    gallery: { type: 'media' },
    sections: { type: 'dynamiczone', components: ['shared.slider', 'shared.quote'] },
  },
};

function picture(id: number, mime = 'image/png') {
  return { id, name: `${String(id)}.png`, mime, url: '/uploads/a.png' };
}

describe('An entry’s pictures', () => {
  it('are found in fields, lists and components, in their order, each once', () => {
    const values = {
      title: 'Words',
      cover: picture(1),
      gallery: [picture(2), picture(1), picture(3, 'video/mp4')],
      sections: [
        { __component: 'shared.quote', text: 'Words', nested: null },
        { __component: 'shared.slider', slides: [{ image: picture(4) }, { image: null }] },
      ],
    };
    expect(picturesIn(values, article, components)).toMatchObject([
      { id: 1, path: 'cover', siblings: null },
      { id: 2, path: 'gallery', siblings: values.gallery },
      { id: 4, path: 'sections.1.slides.0.image', siblings: null },
    ]);
  });

  it.each([
    ['an entry that is new', {}],
    ['no values yet', undefined],
    ['fields of another shape', { cover: 7, gallery: ['x'], sections: { __component: 'gone' } }],
  ])('are none in %s', (_name, values) => {
    expect(picturesIn(values, article, components)).toEqual([]);
  });
});

describe('A picture to use like one of an entry’s', () => {
  const place = (id: number, file: number, values: object) =>
    placeBeside({ id }, { id: file }, picturesIn(values, article, components));

  it('takes the place of one, and stands beside several', () => {
    const values = { cover: picture(1), gallery: [picture(2)] };
    expect(place(1, 9, values)).toEqual({ path: 'cover', value: { id: 9 } });
    expect(place(2, 9, values)).toEqual({ path: 'gallery', value: [picture(2), { id: 9 }] });
  });

  it('goes where the entry’s picture is by now, once', () => {
    const moved = {
      sections: [
        { __component: 'shared.quote' },
        { __component: 'shared.slider', slides: [{ image: picture(4) }] },
      ],
    };
    expect(place(4, 9, moved)?.path).toBe('sections.1.slides.0.image');
    expect(place(4, 9, { cover: picture(1) })).toBeNull();
    const gallery = [picture(2), picture(9)];
    expect(place(2, 9, { gallery })).toEqual({ path: 'gallery', value: gallery });
  });
});

describe('Whether an entry can have pictures', () => {
  it('is known from its fields and those of its components', () => {
    expect(hasMedia(article, components)).toBe(true);
    const page: FieldOwner = {
      attributes: { body: { type: 'dynamiczone', components: ['shared.slider'] } },
    };
    expect(hasMedia(page, components)).toBe(true);
  });

  it('does not go round in circles', () => {
    const words: FieldOwner = {
      attributes: { quote: { type: 'component', component: 'shared.quote' } },
    };
    expect(hasMedia(words, components)).toBe(false);
  });
});
