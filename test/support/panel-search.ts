import type { Locator, Page } from 'playwright-core';
import { z } from 'zod';

export const SEARCH_PAGE = '/plugins/image-search/search';

const idsSchema = z.array(z.coerce.number());

/** A file as the browser gets it from another program. */
export interface GivenFile {
  bytes: Buffer;
  name: string;
  type: string;
}

/** Reads and operates the panel's search page. */
export interface PanelSearch {
  readonly field: Locator;
  readonly results: Locator;
  /** Ids of the rendered results, best match first. */
  ids(): Promise<number[]>;
  /** Waits until the best result is this file. */
  waitForBest(id: number): Promise<void>;
  /** One of the buttons on a result. */
  act(id: number, button: 'More like this' | 'Less like this'): Promise<void>;
  /** Selects or deselects a result. */
  select(id: number): Promise<void>;
  /** Picks a result, or drops it again, in a dialog. */
  pick(id: number): Promise<void>;
  /** Drops a file onto the page. */
  drop(file: GivenFile): Promise<void>;
  /** Pastes a file copied from another program. */
  paste(file: GivenFile): Promise<void>;
  /** Chooses a value of one of the filters. */
  filter(name: string, value: string): Promise<void>;
  /** The query in the address. */
  address(): URLSearchParams;
}

export function searchOn(page: Page): PanelSearch {
  const results = page.getByRole('list', { name: 'Search results' });
  const opener = (id: number): Locator => page.locator(`[data-result="${String(id)}"]`);
  const item = (id: number): Locator => results.getByRole('listitem').filter({ has: opener(id) });
  const field = page.getByLabel('Search images', { exact: true });
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
      // The results of the previous query are dimmed until new ones arrive.
      await page.locator('[aria-busy="false"]').first().waitFor();
    },
    async act(id, button) {
      await opener(id).hover();
      await item(id).getByRole('button', { name: button }).click();
    },
    async select(id) {
      await opener(id).hover();
      await item(id).getByRole('checkbox').click();
    },
    pick: (id) => opener(id).click(),
    drop: (file) => hand(page, field, file, ['dragenter', 'dragover', 'drop']),
    paste: (file) => hand(page, field, file, ['paste']),
    async filter(name, value) {
      await page.getByRole('button', { name: 'Filters' }).click();
      await page.getByRole('combobox', { name }).click();
      // Some choices have a count.
      await page
        .getByRole('option', { name: new RegExp(`^${value}( \\([\\d,]+\\+?\\))?$`) })
        .click();
      await page.keyboard.press('Escape');
    },
    address: () => new URL(page.url()).searchParams,
  };
}

async function hand(
  page: Page,
  field: Locator,
  { bytes, name, type }: GivenFile,
  events: readonly string[],
): Promise<void> {
  // Before that, the page ignores what it is given.
  await field.waitFor();
  await page.evaluate(
    ({ base64, file, names }) => {
      const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([data], file.name, { type: file.type }));
      const how = { bubbles: true, cancelable: true };
      for (const event of names) {
        document.body.dispatchEvent(
          event === 'paste'
            ? new ClipboardEvent(event, { ...how, clipboardData: dataTransfer })
            : new DragEvent(event, { ...how, dataTransfer }),
        );
      }
    },
    { base64: bytes.toString('base64'), file: { name, type }, names: events },
  );
}
