import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { findChromium } from './chromium';
import { startPanelBrowser, type PanelBrowser, type RunningPanelBrowser } from './panel-browser';

/**
 * Describes a suite in a real Chromium. Without one the suite is skipped and its name says why; in CI (environment
 * variable `CI`) it fails. Tabs are closed after each test.
 */
export function describeInBrowser(name: string, suite: (browser: PanelBrowser) => void): void {
  const executablePath = findChromium();
  let browser: RunningPanelBrowser | undefined;

  const open: PanelBrowser['open'] = (url, path, visit) => {
    if (browser === undefined) throw new Error('Chromium is not running yet.');
    return browser.open(url, path, visit);
  };

  const openPage: PanelBrowser['openPage'] = (address) => {
    if (browser === undefined) throw new Error('Chromium is not running yet.');
    return browser.openPage(address);
  };

  const body = (): void => {
    beforeAll(async () => {
      if (executablePath === undefined) {
        throw new Error('There is no Chromium (Debian: apt install chromium, or CHROMIUM_PATH).');
      }
      browser = await startPanelBrowser(executablePath);
    });
    afterEach(() => browser?.closeTabs());
    afterAll(() => browser?.close());
    suite({ open, openPage });
  };
  if (executablePath !== undefined || process.env.CI) describe(name, body);
  else describe.skip(`${name} (skipped: Chromium is not installed)`, body);
}
