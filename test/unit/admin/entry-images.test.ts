import { describe, expect, it } from '@jest/globals';
import {
  hasMedia,
  imagesIn,
  isReplaced,
  mediaFieldsIn,
  valueWith,
  type Components,
  type FieldOwner,
} from '../../../admin/src/editors/entry-images';

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
    gallery: { type: 'media', multiple: true, allowedTypes: ['images', 'videos'] },
    trailer: { type: 'media', allowedTypes: ['videos'] },
    sections: { type: 'dynamiczone', components: ['shared.slider', 'shared.quote'] },
  },
};

function image(id: number, mime = 'image/png') {
  return { id, name: `${String(id)}.png`, mime, url: '/uploads/a.png' };
}

describe('An entry’s images', () => {
  it('are found in fields, lists and components, in order and without repeats', () => {
    const values = {
      title: 'Words',
      cover: image(1),
      gallery: [image(2), image(1), image(3, 'video/mp4')],
      sections: [
        { __component: 'shared.quote', text: 'Words', nested: null },
        { __component: 'shared.slider', slides: [{ image: image(4) }, { image: null }] },
      ],
    };
    expect(imagesIn(mediaFieldsIn(values, article, components))).toEqual([
      { id: 1, name: '1.png', path: 'cover' },
      { id: 2, name: '2.png', path: 'gallery' },
      { id: 4, name: '4.png', path: 'sections.1.slides.0.image' },
    ]);
  });

  it.each([
    ['an entry that is new', {}],
    ['no values yet', undefined],
    ['fields of another shape', { cover: 7, gallery: ['x'], sections: { __component: 'gone' } }],
  ])('are none in %s', (_name, values) => {
    expect(imagesIn(mediaFieldsIn(values, article, components))).toEqual([]);
  });
});

describe('A field of an entry', () => {
  const fieldOf = (path: string, values: object) => {
    const field = mediaFieldsIn(values, article, components).find((other) => other.path === path);
    if (!field) throw new Error(`There is no field ${path}.`);
    return field;
  };

  it('is offered if it takes images, empty or not', () => {
    const sections = [
      { __component: 'shared.quote' },
      { __component: 'shared.slider', slides: [{ image: null }] },
    ];
    const fields = mediaFieldsIn({ gallery: null, sections }, article, components);
    expect(fields.map(({ path, name, files }) => ({ path, name, files }))).toEqual([
      { path: 'cover', name: 'cover', files: [] },
      { path: 'gallery', name: 'gallery', files: [] },
      { path: 'sections.1.slides.0.image', name: 'image', files: [] },
    ]);
  });

  it('of a single image replaces it', () => {
    const field = fieldOf('cover', { cover: image(1) });
    expect(isReplaced(field)).toBe(true);
    expect(valueWith(field, { id: 9 })).toEqual({ id: 9 });
    expect(isReplaced(fieldOf('cover', {}))).toBe(false);
  });

  it('of several images takes another, once', () => {
    const field = fieldOf('gallery', { gallery: [image(2)] });
    expect(isReplaced(field)).toBe(false);
    expect(valueWith(field, { id: 9 })).toEqual([image(2), { id: 9 }]);
    expect(valueWith(field, { id: 2 })).toEqual([image(2)]);
  });
});

describe('Whether an entry can contain images', () => {
  it('depends on its fields and those of its components', () => {
    expect(hasMedia(article, components)).toBe(true);
    const page: FieldOwner = {
      attributes: { body: { type: 'dynamiczone', components: ['shared.slider'] } },
    };
    expect(hasMedia(page, components)).toBe(true);
  });

  it('stops at components that contain each other', () => {
    const words: FieldOwner = {
      attributes: { quote: { type: 'component', component: 'shared.quote' } },
    };
    expect(hasMedia(words, components)).toBe(false);
  });
});
