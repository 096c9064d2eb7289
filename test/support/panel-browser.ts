import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { testAdministrator, type AdminCredentials } from './strapi-client';

const WINDOW = { width: 1440, height: 900 };
const ACTION_WITHIN_MS = 60_000;

/** Who opens the panel, and how. */
interface PanelVisit {
  /** @default the super administrator */
  as?: AdminCredentials;
  theme?: 'light' | 'dark';
  window?: { width: number; height: number };
  /** Pixels for each of the page's, in one direction. @default 1 */
  pixelRatio?: number;
  /** As with `useLegacyMediaLibrary` in config/features, which the panel is built with. */
  legacyMediaLibrary?: boolean;
}

export interface PanelBrowser {
  /** Opens a page of this Strapi's panel in a new tab, signed in. */
  open(url: string, path: string, visit?: PanelVisit): Promise<Page>;
  /** Opens any other page in a new tab. */
  openPage(address: string, visit?: Pick<PanelVisit, 'pixelRatio'>): Promise<Page>;
}

export interface RunningPanelBrowser extends PanelBrowser {
  closeTabs(): Promise<void>;
  close(): Promise<void>;
}

export async function startPanelBrowser(executablePath: string): Promise<RunningPanelBrowser> {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage'],
  });
  /** By user and settings, so that each signs in only once. */
  const contexts = new Map<string, Promise<BrowserContext>>();

  async function createContext(url: string, visit: PanelVisit): Promise<BrowserContext> {
    const { as = testAdministrator, theme = 'light', window = WINDOW } = visit;
    const { legacyMediaLibrary = false, pixelRatio = 1 } = visit;
    const context = await browser.newContext({
      viewport: window,
      deviceScaleFactor: pixelRatio,
      colorScheme: theme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(ACTION_WITHIN_MS);
    await context.addInitScript((chosen) => {
      localStorage.setItem('STRAPI_THEME', chosen);
    }, theme);
    if (legacyMediaLibrary) await context.addInitScript(enableLegacyMediaLibrary);
    await signIn(await context.newPage(), url, as);
    return context;
  }

  return {
    async open(url, path, visit = {}) {
      const key = JSON.stringify([url, visit]);
      const created = contexts.get(key) ?? createContext(url, visit);
      contexts.set(key, created);
      const page = await (await created).newPage();
      await page.goto(`${url}/admin${path}`);
      return page;
    },
    async openPage(address, { pixelRatio = 1 } = {}) {
      const created =
        contexts.get(address) ??
        browser.newContext({ viewport: WINDOW, deviceScaleFactor: pixelRatio });
      contexts.set(address, created);
      const page = await (await created).newPage();
      await page.goto(address);
      return page;
    },
    async closeTabs() {
      for (const context of contexts.values()) {
        for (const page of (await context).pages()) await page.close();
      }
    },
    close: () => browser.close(),
  };
}

interface FeatureFlags {
  isEnabled: (name: string) => boolean;
}

/** Runs in the browser, before the panel sets `window.strapi`. */
function enableLegacyMediaLibrary(): void {
  let strapi: { featureFlags?: FeatureFlags } | undefined;
  Object.defineProperty(window, 'strapi', {
    get: () => strapi,
    set: (value: typeof strapi) => {
      strapi = value;
      if (!strapi?.featureFlags) return;
      const { isEnabled } = strapi.featureFlags;
      strapi.featureFlags.isEnabled = (name) => name === 'useLegacyMediaLibrary' || isEnabled(name);
    },
  });
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
