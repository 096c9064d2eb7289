import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { sampleImage } from '../support/library';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { sizeOf } from '../support/test-size';

const root = path.join(__dirname, '../..');
const CLIENT = 'strapi-plugin-image-search';

interface Example {
  folder: string;
  /** Arguments of npm. */
  start: string[];
  /** The heading or message above images like one of the results. */
  similar: RegExp;
}

const plainPage: Example = { folder: 'plain-page', start: ['start'], similar: /images like/ };
const onFreePort = ['run', 'dev', '--', '--port', '0'];
const nextjs: Example = { folder: 'nextjs', start: onFreePort, similar: /^Similar images$/ };
const astro: Example = { folder: 'astro', start: onFreePort, similar: /^Similar images$/ };

interface RunningExample {
  address: string;
  stop(): Promise<void>;
}

/** Installs and starts a copy of an example, as a reader would. */
async function startExample({ folder, start }: Example, strapi: string): Promise<RunningExample> {
  const copy = await mkdtemp(path.join(tmpdir(), `image-search-${folder}-`));
  await cp(path.join(root, 'examples', folder), copy, { recursive: true });
  await install(copy);
  const child = spawn('npm', start, {
    cwd: copy,
    env: {
      ...process.env,
      STRAPI_URL: strapi,
      PORT: '0',
      NODE_ENV: 'development',
      NEXT_TELEMETRY_DISABLED: '1',
      ASTRO_TELEMETRY_DISABLED: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, which a signal reaches as a whole: npm starts others.
    detached: true,
  });
  return {
    address: await readAddress(child),
    async stop() {
      if (child.pid !== undefined && child.exitCode === null) {
        const end = once(child, 'exit');
        process.kill(-child.pid, 'SIGKILL');
        await end;
      }
      await rm(copy, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** What it depends on from the registry, and the client as it was built here. */
async function install(folder: string): Promise<void> {
  const file = path.join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const dependencies = Object.fromEntries(
    Object.entries(manifest.dependencies).filter(([name]) => name !== CLIENT),
  );
  await writeFile(file, JSON.stringify({ ...manifest, dependencies }));
  if (Object.keys(dependencies).length > 0) {
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder });
  }
  const target = path.join(folder, 'node_modules', CLIENT);
  await mkdir(path.join(target, 'dist'), { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(target, 'package.json'));
  await cp(path.join(root, 'dist/client'), path.join(target, 'dist/client'), { recursive: true });
}

/** Of the server, which prints it once it listens. */
async function readAddress({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('The process has no output.');
  const lines = createInterface(stdout);
  const written: string[] = [];
  for await (const line of lines) {
    written.push(line);
    const [address] = /http:\/\/localhost:\d+/.exec(stripVTControlCharacters(line)) ?? [];
    if (address === undefined) continue;
    stdout.resume();
    return address;
  }
  throw new Error(`The example ended before it listened:\n${written.join('\n')}`);
}

describeInBrowser('Examples of frontends', (browser) => {
  let app: SearchApp;
  beforeAll(async () => {
    const images = imagesOf(['dog', 'guitar', 'pizza', 'castle', 'violin']);
    app = await startSearchApp({ images });
  });
  afterAll(() => app.stop());

  describe.each(
    sizeOf({ ci: [plainPage], long: [plainPage, nextjs, astro] }).map(
      (example) => [example.folder, example] as const,
    ),
  )('%s', (_name, example) => {
    let running: RunningExample;
    let page: Page;
    beforeAll(async () => {
      running = await startExample(example, app.url);
    }, 600_000);
    afterAll(() => running.stop());

    const waitForFirst = (concept: string) =>
      page.locator(`ul li:first-child img[alt="${app.fileOf(concept).image.fileName}"]`).waitFor();

    it('finds images while someone types, and those like a result', async () => {
      page = await browser.openPage(running.address);
      await page.getByLabel('Describe an image').pressSequentially('guitar');
      await waitForFirst('guitar');
      expect(await findAccessibilityFaults(page)).toEqual([]);
      await page.locator('ul img').first().click();
      await page.getByText(example.similar).waitFor();
      await waitForFirst('violin');
      expect(await findAccessibilityFaults(page)).toEqual([]);
    });

    it('finds images like one that is chosen', async () => {
      page = await browser.openPage(running.address);
      const { bytes: buffer } = await sampleImage('pizza');
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'lunch.jpg', mimeType: 'image/jpeg', buffer });
      await page.getByText('Results for lunch.jpg').waitFor();
      await waitForFirst('pizza');
    });
  });
});
