import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { findChromium } from './chromium';
import { testAdministrator, type AdminCredentials } from './strapi-client';

const WINDOW = { width: 1440, height: 900 };
const ACTION_WITHIN_MS = 15_000;

/** Who looks at the panel, and how. */
export interface PanelVisit {
  /** The super administrator when nobody is named. */
  as?: AdminCredentials;
  theme?: 'light' | 'dark';
  window?: { width: number; height: number };
}

export interface PanelBrowser {
  /** Signs in at this Strapi, in a browser window that shares nothing with others, and shows a page of the panel. */
  open(url: string, path: string, visit?: PanelVisit): Promise<Page>;
}

/**
 * Describes a suite in a real Chromium. Without one the suite is skipped and its name says why; in CI (environment
 * variable `CI`) it fails. Windows are closed after each test.
 */
export function describeInBrowser(name: string, suite: (browser: PanelBrowser) => void): void {
  const executablePath = findChromium();
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];

  const open: PanelBrowser['open'] = async (url, path, visit = {}) => {
    if (browser === undefined) throw new Error('Chromium is not running yet.');
    const { theme = 'light', window = WINDOW } = visit;
    const context = await browser.newContext({
      viewport: window,
      colorScheme: theme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    contexts.push(context);
    context.setDefaultTimeout(ACTION_WITHIN_MS);
    await context.addInitScript((chosen) => {
      localStorage.setItem('STRAPI_THEME', chosen);
    }, theme);
    const page = await context.newPage();
    await signIn(page, url, visit.as ?? testAdministrator);
    await page.goto(`${url}/admin${path}`);
    return page;
  };

  const body = (): void => {
    beforeAll(async () => {
      if (executablePath === undefined) {
        throw new Error('There is no Chromium (Debian: apt install chromium, or CHROMIUM_PATH).');
      }
      browser = await chromium.launch({
        executablePath,
        headless: true,
        args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage'],
      });
    });
    afterEach(async () => {
      for (const context of contexts.splice(0)) await context.close();
    });
    afterAll(() => browser?.close());
    suite({ open });
  };
  if (executablePath !== undefined || process.env.CI) describe(name, body);
  else describe.skip(`${name} (skipped: Chromium is not installed)`, body);
}

async function signIn(
  page: Page,
  url: string,
  { email, password }: AdminCredentials,
): Promise<void> {
  await page.goto(`${url}/admin/auth/login`);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: false }).first().fill(password);
  await page.getByRole('button', { name: 'Login' }).click();
  await page.waitForURL((address) => !address.pathname.includes('/auth/'));
}
