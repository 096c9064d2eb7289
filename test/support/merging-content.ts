import type { LibraryFile } from '../../server/src/usage/library-files';
import { ARTICLE, HOME_PAGE, imageBlock, paragraph, type MergingApp } from './merging-app';

export interface Article {
  documentId: string;
  [attribute: string]: unknown;
}

interface Versions {
  create(parameters: object): Promise<Article>;
  update(parameters: object): Promise<Article>;
  publish(parameters: object): Promise<unknown>;
  findFirst(parameters: object): Promise<Article | null>;
  findOne(parameters: object): Promise<Article | null>;
}

export function documents({ strapi }: MergingApp, uid: string): Versions {
  return strapi.documents(uid as never) as unknown as Versions;
}

export async function createArticle(app: MergingApp, data: object): Promise<Article> {
  return await documents(app, ARTICLE).create({
    locale: 'en',
    data: { title: 'Untitled', ...data },
  });
}

/** An article's every field that may use a file uses this one, between others where there are several. */
export function articleUsing(file: LibraryFile, others: readonly LibraryFile[], title: string) {
  const [first, second] = others.map(({ id }) => id);
  const small = file.formats?.['small']?.url ?? '';
  return {
    title,
    cover: file.id,
    gallery: [first, file.id, second],
    body: `![a](https://cms.example.com${file.url}) <img src="${file.url}" srcset="${small} 500w">`,
    story: [
      paragraph('First'),
      imageBlock(file),
      {
        type: 'paragraph',
        children: [{ type: 'link', url: file.url, children: [{ type: 'text', text: 'Large' }] }],
      },
    ],
    seo: { description: 'About', image: file.id },
    sections: [
      { __component: 'shared.banner', text: `![](${file.url})`, images: [second, file.id] },
      {
        __component: 'shared.slider',
        name: 'Slider',
        slides: [{ image: first }, { image: file.id, text: [imageBlock(file)] }],
      },
    ],
  };
}

/** In two languages, published, and the draft of the second one changed since. */
export async function publishArticle(
  app: MergingApp,
  { file, others }: { file: LibraryFile; others: readonly LibraryFile[] },
): Promise<string> {
  const data = articleUsing(file, others, 'Hello');
  const { documentId } = await createArticle(app, data);
  const german = articleUsing(file, others, 'Hallo');
  await documents(app, ARTICLE).update({ documentId, locale: 'de', data: german });
  await documents(app, ARTICLE).publish({ documentId, locale: '*' });
  await documents(app, ARTICLE).update({ documentId, locale: 'de', data: { title: 'Hallo 2' } });
  return documentId;
}

export async function createHomePage(app: MergingApp, data: object): Promise<Article> {
  return await documents(app, HOME_PAGE).create({ data });
}

const everything = {
  cover: true,
  gallery: true,
  seo: { populate: '*' },
  sections: {
    on: {
      'shared.banner': { populate: '*' },
      'shared.slider': { populate: { slides: { populate: '*' } } },
    },
  },
};

export async function readArticle(
  app: MergingApp,
  documentId: string,
  version: { locale: string; status: 'draft' | 'published' },
): Promise<Article> {
  const article = await documents(app, ARTICLE).findOne({
    documentId,
    ...version,
    populate: everything,
  });
  if (!article) throw new Error(`There is no ${version.status} of article ${documentId}.`);
  return article;
}

export const versions = [
  { locale: 'en', status: 'draft' },
  { locale: 'en', status: 'published' },
  { locale: 'de', status: 'draft' },
  { locale: 'de', status: 'published' },
] as const;
