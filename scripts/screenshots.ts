/**
 * `npm run screenshots`: renews the images of the panel in `docs/images`, from a demo with an empty data folder and an installed
 * Chromium. Light, except for one; two pixels for each of the page's.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { findChromium } from '../test/support/chromium';
import { startPanelBrowser, type PanelBrowser } from '../test/support/panel-browser';
import { SEARCH_PAGE, searchOn } from '../test/support/panel-search';
import type { AdminCredentials } from '../test/support/strapi-client';

const repositoryFolder = path.resolve(__dirname, '..');
const imagesFolder = path.join(repositoryFolder, 'docs/images');
const QUERY = 'musical instrument';
const SHEET_QUERIES = ['red fruit', 'rain', QUERY, 'bird', 'vehicle'];
const SHEET_COLUMNS = 6;

interface Demo {
  url: string;
  administrator: AdminCredentials;
  stop(): Promise<void>;
}

async function main(): Promise<void> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('There is no Chromium (Debian: apt install chromium, or CHROMIUM_PATH).');
  }
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'image-search-screenshots-'));
  const demo = await startDemo(dataFolder);
  const browser = await startPanelBrowser(executablePath);
  try {
    await photographPanel(browser, demo);
    await photographSheet(browser, demo);
  } finally {
    await browser.close();
    await demo.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

async function startDemo(dataFolder: string): Promise<Demo> {
  const port = await freePort();
  const child = fork(path.join(repositoryFolder, 'sample/demo.ts'), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, APP_DATA_FOLDER: dataFolder, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      output += chunk.toString();
      if (/^ready: /m.test(output)) resolve();
    });
    child.once('exit', () => {
      reject(new Error('The demo ended before it was ready.'));
    });
  });
  const [email = '', password = ''] = ['email', 'password'].map(
    (name) => new RegExp(`^${name}: (.+)$`, 'm').exec(output)?.[1],
  );
  return {
    url: `http://127.0.0.1:${String(port)}`,
    administrator: { email, password },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function photographPanel(browser: PanelBrowser, { url, administrator }: Demo): Promise<void> {
  const visit = { as: administrator, pixelRatio: 2 } as const;
  const searchPage = `${SEARCH_PAGE}?text=${encodeURIComponent(QUERY)}`;

  const search = await browser.open(url, searchPage, visit);
  await searchOn(search).results.waitFor();
  await keep(search, 'panel-search');

  const dark = await browser.open(url, searchPage, { ...visit, theme: 'dark' });
  await searchOn(dark).results.waitFor();
  const [, , third = 0] = await searchOn(dark).ids();
  await searchOn(dark).pick(third);
  await dark.getByRole('button', { name: 'Find similar' }).first().waitFor();
  await keep(dark, 'panel-search-dark');

  const duplicates = await browser.open(url, '/plugins/image-search/duplicates?kind=edited', visit);
  await duplicates
    .getByRole('region', { name: 'Comparison' })
    .getByRole('heading')
    .first()
    .waitFor();
  await keep(duplicates, 'panel-duplicates');

  const index = await browser.open(url, '/plugins/image-search/index', visit);
  await index.getByText('Up to date').waitFor();
  await keep(index, 'panel-index');
}

/** What the content API answers to some queries, a row each. */
async function photographSheet(browser: PanelBrowser, { url }: Demo): Promise<void> {
  const rows = await Promise.all(
    SHEET_QUERIES.map(async (query) => {
      const parameters = new URLSearchParams({
        text: query,
        'pagination[limit]': String(SHEET_COLUMNS),
      });
      const response = await fetch(`${url}/api/image-search/search?${parameters.toString()}`);
      const { data } = (await response.json()) as { data: { file: { url: string } }[] };
      const cells = await Promise.all(
        data.map(async ({ file }) => {
          // Another site's page may not show what Strapi serves.
          const image = await fetch(`${url}${file.url}`);
          const bytes = Buffer.from(await image.arrayBuffer()).toString('base64');
          const type = image.headers.get('content-type') ?? '';
          return `<td><img src="data:${type};base64,${bytes}"></td>`;
        }),
      );
      return `<tr><th>${query}</th>${cells.join('')}</tr>`;
    }),
  );
  const style =
    'body{margin:0;background:#f6f6f9;font:16px sans-serif;color:#32324d}table{border-spacing:12px;width:1126px}' +
    'th{font-weight:normal;text-align:left;padding-left:8px;width:230px}' +
    'td{background:#fff;border-radius:8px;overflow:hidden;padding:0}img{display:block;width:132px;height:132px;object-fit:contain}';
  const page = await browser.openPage('about:blank', { pixelRatio: 2 });
  await page.setContent(`<style>${style}</style><table>${rows.join('')}</table>`);
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  await write('search', await page.locator('table').screenshot());
}

/** As soon as all images of the page are there, without what Strapi announces. */
async function keep(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle');
  const news = page.getByRole('link', { name: 'Read blog post' });
  if (await news.isVisible()) {
    // The details of a result may cover it.
    await news.locator('xpath=following::button[1]').dispatchEvent('click');
    await news.waitFor({ state: 'detached' });
  }
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  await write(name, await page.screenshot({ animations: 'disabled', caret: 'hide' }));
}

/** With 256 colors: a third of the size, without visible loss. */
async function write(name: string, screenshot: Buffer): Promise<void> {
  const file = path.join(imagesFolder, `${name}.png`);
  await sharp(screenshot).png({ palette: true, effort: 10 }).toFile(file);
  console.log(`Written to ${path.relative(repositoryFolder, file)}.`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
