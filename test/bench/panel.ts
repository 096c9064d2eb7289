import type { Page } from 'playwright-core';
import setUpAdminPanel from '../support/admin-panel-setup';
import { findChromium } from '../support/chromium';
import { createLibrary } from '../support/library';
import { startPanelBrowser } from '../support/panel-browser';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { startStrapi } from '../support/strapi-app';
import { loadImages, localModelConfig } from './fixtures';
import { summarize, type Measurement } from './measurement';

const IMAGES = 100;
const QUESTIONS = [
  ...[
    'a dog',
    'red',
    'a street',
    'water',
    'a person',
    'food',
    'night',
    'a tree',
    'a car',
    'a bird',
  ],
  ...[
    'a house',
    'flowers',
    'the sea',
    'a table',
    'snow',
    'a cat',
    'hands',
    'the sky',
    'a road',
    'music',
  ],
];

/** The search page in a real browser: from the answer's last byte to the frame that shows its images' places. */
export async function benchPanel(): Promise<Measurement[]> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('Measuring the panel requires Chromium.');
  await setUpAdminPanel();
  const app = await startStrapi({
    servesPanel: true,
    imageSearch: { embedding: localModelConfig() },
  });
  const browser = await startPanelBrowser(executablePath);
  try {
    const library = createLibrary(app);
    for (const { bytes, fileName } of await loadImages(IMAGES)) {
      await library.upload({ bytes, fileName });
    }
    await app.waitUntilIndexed({ timeoutMs: 300_000 });
    const page = await browser.open(app.url, SEARCH_PAGE);
    const { field } = searchOn(page);
    await field.waitFor();
    const values: number[] = [];
    for (const question of QUESTIONS) {
      const shown = untilShown(page);
      await field.fill(question);
      values.push(await shown);
    }
    return [
      summarize({
        name: 'search page: first results after the answer',
        unit: 'ms',
        // The first search also loads the code that renders results.
        values: values.slice(1),
        bar: { kind: 'at most', value: 100 },
      }),
    ];
  } finally {
    await browser.close();
    await app.stop();
  }
}

/** Milliseconds from the answer of the next search to the end of the frame that draws its results. */
function untilShown(page: Page): Promise<number> {
  return page.evaluate(async () => {
    performance.clearResourceTimings();
    for (;;) {
      await new Promise(requestAnimationFrame);
      const answered = performance
        .getEntriesByType('resource')
        .find(({ name }) => name.includes('/image-search/search'));
      const isShown = document.querySelector('[aria-busy="false"] [data-result]') !== null;
      if (!answered || !isShown) continue;
      const { responseEnd } = answered as PerformanceResourceTiming;
      // The frame after it begins once this one is drawn.
      return (await new Promise<number>(requestAnimationFrame)) - responseEnd;
    }
  });
}
