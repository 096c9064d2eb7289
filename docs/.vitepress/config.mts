import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { homepage } from '../../package.json';
import { sections } from '../pages';

const repository = homepage.replace('#readme', '');

/** A page's own title. */
function titleOf(page: string): string {
  const text = readFileSync(path.join(import.meta.dirname, `../${page}.md`), 'utf8');
  return /^# (.+)$/m.exec(text)?.[1] ?? page;
}

export default defineConfig({
  title: 'Image Search for Strapi',
  description: 'Find images in Strapi’s Media Library by what they show.',
  cleanUrls: true,
  // Pages of the repository that the site doesn't have.
  ignoreDeadLinks: [/^\.?\/?\.\.\//],
  srcExclude: ['node_modules/**'],
  themeConfig: {
    nav: [
      { text: 'Get started', link: '/getting-started' },
      { text: 'HTTP API', link: '/http-api' },
      { text: 'Configuration', link: '/configuration' },
    ],
    sidebar: sections.map(({ pages, title }) => ({
      text: title,
      items: pages.map((page) => ({ text: titleOf(page), link: `/${page}` })),
    })),
    outline: [2, 3],
    search: { provider: 'local' },
    editLink: { pattern: `${repository}/edit/main/docs/:path` },
    socialLinks: [{ icon: 'github', link: repository }],
  },
});
