import type { Locator, Page } from 'playwright-core';
import { z } from 'zod';

export const SEARCH_PAGE = '/plugins/image-search/search';

const idsSchema = z.array(z.coerce.number());

/** What is seen and done on the panel's search page. */
export interface PanelSearch {
  readonly field: Locator;
  readonly results: Locator;
  /** Ids of the results that are drawn, best first. */
  ids(): Promise<number[]>;
  /** Waits until the best result is this file. */
  waitForBest(id: number): Promise<void>;
  /** One of the buttons on a result. */
  act(id: number, button: 'More like this' | 'Less like this'): Promise<void>;
  /** Drops a file onto the page. */
  drop(file: { bytes: Buffer; name: string; type: string }): Promise<void>;
  /** Chooses a value of one of the filters. */
  filter(name: string, value: string): Promise<void>;
  /** The question as the address holds it. */
  address(): URLSearchParams;
}

export function searchOn(page: Page): PanelSearch {
  const results = page.getByRole('list', { name: 'Pictures found' });
  const opener = (id: number): Locator => page.locator(`[data-result="${String(id)}"]`);
  const field = page.getByLabel('What the picture shows');
  return {
    field,
    results,
    async ids() {
      const found = await results
        .locator('[data-result]')
        .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-result')));
      return idsSchema.parse(found);
    },
    async waitForBest(id) {
      await results.locator(`[aria-posinset="1"] [data-result="${String(id)}"]`).waitFor();
      // The results of the question before are dimmed until new ones are there.
      await page.locator('[aria-busy="false"]').first().waitFor();
    },
    async act(id, button) {
      await opener(id).hover();
      await results
        .getByRole('listitem')
        .filter({ has: opener(id) })
        .getByRole('button', { name: button })
        .click();
    },
    async drop({ bytes, name, type }) {
      // Before, nobody takes what is dropped.
      await field.waitFor();
      await page.evaluate(
        ({ base64, ...file }) => {
          const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([data], file.name, { type: file.type }));
          for (const event of ['dragenter', 'dragover', 'drop']) {
            document.body.dispatchEvent(
              new DragEvent(event, { dataTransfer, bubbles: true, cancelable: true }),
            );
          }
        },
        { base64: bytes.toString('base64'), name, type },
      );
    },
    async filter(name, value) {
      await page.getByRole('button', { name: 'Filters' }).click();
      await page.getByRole('combobox', { name }).click();
      await page.getByRole('option', { name: value, exact: true }).click();
      await page.keyboard.press('Escape');
    },
    address: () => new URL(page.url()).searchParams,
  };
}
