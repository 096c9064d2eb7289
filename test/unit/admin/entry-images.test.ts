import { describe, expect, it } from '@jest/globals';
import {
  hasMedia,
  imagesIn,
  placeBeside,
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
    gallery: { type: 'media' },
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
    expect(imagesIn(values, article, components)).toMatchObject([
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
    expect(imagesIn(values, article, components)).toEqual([]);
  });
});

describe('A similar image to use in an entry', () => {
  const place = (id: number, file: number, values: object) =>
    placeBeside({ id }, { id: file }, imagesIn(values, article, components));

  it('replaces a single image, and is added to several', () => {
    const values = { cover: image(1), gallery: [image(2)] };
    expect(place(1, 9, values)).toEqual({ path: 'cover', value: { id: 9 } });
    expect(place(2, 9, values)).toEqual({ path: 'gallery', value: [image(2), { id: 9 }] });
  });

  it('goes to where the entry’s image is now, once', () => {
    const moved = {
      sections: [
        { __component: 'shared.quote' },
        { __component: 'shared.slider', slides: [{ image: image(4) }] },
      ],
    };
    expect(place(4, 9, moved)?.path).toBe('sections.1.slides.0.image');
    expect(place(4, 9, { cover: image(1) })).toBeNull();
    const gallery = [image(2), image(9)];
    expect(place(2, 9, { gallery })).toEqual({ path: 'gallery', value: gallery });
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
