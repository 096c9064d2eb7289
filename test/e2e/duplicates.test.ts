import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { DUPLICATES, READ } from '../support/duplicates-app';
import { startDuplicatesPanel, type DuplicatesPanel } from '../support/duplicates-panel';
import { createArticle, readArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
import { takeScreenshot } from '../support/screenshots';
import { productOf } from '../support/search-app';

describeInBrowser('The duplicates page', (browser) => {
  let app: DuplicatesPanel;
  beforeAll(async () => {
    app = await startDuplicatesPanel();
  });
  afterEach(async () => {
    await app.strapi.db.query('plugin::image-search.duplicate-pair').deleteMany({});
  });
  afterAll(() => app.stop());

  const review = (page: Page) => page.getByRole('region', { name: 'Comparison' });
  const heading = (page: Page) => review(page).getByRole('heading', { level: 2 });
  const rows = (page: Page) =>
    page.getByRole('navigation', { name: 'Groups of duplicates' }).getByRole('button');
  const statusOf = async (id: number): Promise<string | undefined> =>
    (await productOf(app).pairs.get([id]))[0]?.status;
  const reaches = (id: number, status: string) =>
    pollUntil(
      () => statusOf(id),
      (now) => now === status,
    );

  it('shows what was found in words, in every view, and its numbers', async () => {
    await app.addGroup('teapot', 'mirrored');
    await app.addGroup('guitar', 'cropped');
    await app.addGroup('butterfly', 'resaved', 'mirrored', 'cropped');
    await app.addGroup('red-apple', 'identical');
    const page = await browser.open(app.url, app.path);
    await heading(page).getByText('The same bytes').waitFor();
    expect(await rows(page).count()).toBe(4);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.getByRole('button', { name: 'Next group' }).click();
    await review(page).getByRole('group', { name: 'Files of this group' }).waitFor();
    await page.getByRole('button', { name: 'Next group' }).click();
    await review(page).getByText('“guitar-crop.jpg” shows a part of “guitar.png”').waitFor();
    await review(page).getByText('This part', { exact: true }).waitFor();
    await review(page).getByText('Suggestion: keep “guitar.png”').waitFor();
    await takeScreenshot(page, 'panel-duplicates');

    await page.getByRole('button', { name: 'Swipe' }).click();
    const divider = page.getByRole('slider', { name: 'Divider' });
    await divider.focus();
    await page.keyboard.press('ArrowRight');
    expect(await divider.getAttribute('aria-valuetext')).toBe('51% of the left picture');
    expect(await findAccessibilityFaults(page)).toEqual([]);

    // The window asks for less motion: nothing changes by itself.
    await page.getByRole('button', { name: 'Blink' }).click();
    await review(page).getByText('Left: guitar.png').waitFor();
    await page.getByRole('button', { name: 'Show the other one' }).click();
    await review(page).getByText('Right: guitar-crop.jpg').waitFor();
  });

  it('filters by kind and keeps that in the address', async () => {
    await app.addGroup('teapot', 'mirrored');
    await app.addGroup('red-apple', 'identical');
    const page = await browser.open(app.url, `${app.path}?kind=variant`);
    await heading(page).getByText('The same picture, mirrored').waitFor();
    expect(await rows(page).count()).toBe(1);
    await page.getByRole('combobox', { name: 'Kind of duplicate' }).click();
    await page.getByRole('option', { name: 'Saved again' }).click();
    await page.getByText('There are no groups of this kind.').waitFor();
    expect(new URL(page.url()).searchParams.get('kind')).toBe('same-picture');
    await page.getByRole('button', { name: 'Show all kinds' }).click();
    await heading(page).waitFor();
    expect(await rows(page).count()).toBe(2);
  });

  it('ignores at once, takes it back, and knows who did it', async () => {
    const { pairs } = await app.addGroup('owl', 'resaved');
    await app.addGroup('pizza', 'resaved');
    const [pair] = pairs;
    const id = pair?.id ?? 0;
    const page = await browser.open(app.url, `${app.path}?group=${String(id)}`);
    await review(page).getByText('“owl.png” and').waitFor();
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await review(page).getByText('“pizza.png” and').waitFor();
    await page.getByRole('status').getByText('“owl.png” ignored.').waitFor();
    await reaches(id, 'ignored');
    await page.getByRole('button', { name: 'Undo' }).click();
    await review(page).getByText('“owl.png” and').waitFor();
    await reaches(id, 'open');

    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await reaches(id, 'ignored');
    await page.getByRole('button', { name: 'Ignored' }).click();
    await review(page).getByText('Ignored by Test Administrator').waitFor();
    await review(page).getByRole('button', { name: 'Take back' }).click();
    await page.getByText('Nothing is ignored.').waitFor();
    await reaches(id, 'open');
  });

  it('tells what a merge would do, then does it', async () => {
    const { original, copies } = await app.addGroup('sailboat', 'resaved');
    const [copy] = copies;
    const { documentId } = await createArticle(app, { title: 'At sea', cover: copy?.id });
    const page = await browser.open(app.url, app.path);
    await review(page).getByText('Suggestion: keep “sailboat.png”').waitFor();
    await review(page).getByRole('button', { name: 'Keep left' }).click();
    const dialog = page.getByRole('dialog', { name: 'Keep “sailboat.png”' });
    await dialog.getByText('This place will use the kept file').click();
    await dialog.getByText('Article: At sea').waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    expect(await app.files([copy?.id ?? 0])).toHaveLength(1);

    await dialog.getByRole('button', { name: 'delete 1 file' }).click();
    await page.getByText('“sailboat.png” kept. 1 file deleted, 1 place uses it now.').waitFor();
    expect(await app.files([copy?.id ?? 0])).toHaveLength(0);
    const article = await readArticle(app, documentId, { locale: 'en', status: 'draft' });
    expect(article).toMatchObject({ cover: { id: original.id } });
    await page.getByRole('button', { name: 'Merged' }).click();
    await review(page).getByText('Merged by Test Administrator').waitFor();
  });

  it('is gone through with keys alone, in the dark too', async () => {
    const last = await app.addGroup('bicycle', 'resaved');
    await app.addGroup('dog', 'resaved');
    await app.addGroup('croissant', 'identical');
    const page = await browser.open(app.url, app.path, { theme: 'dark' });
    await review(page).getByText('“croissant.png” and').waitFor();
    await page.keyboard.press('j');
    await review(page).getByText('2 of 3').waitFor();
    await page.keyboard.press('i');
    await page.getByRole('status').getByText('“dog.png” ignored.').waitFor();
    await page.getByRole('status').getByText('2 of 2').waitFor();
    await page.keyboard.press('u');
    await review(page).getByText('“dog.png” and').waitFor();
    await page.keyboard.press('k');
    await review(page).getByText('“croissant.png” and').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    // A dialog has the keys to itself.
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await review(page).getByText('“croissant.png” and').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.keyboard.press('2');
    const confirm = page.getByRole('button', { name: 'Keep “croissant-copy.png”, delete 1 file' });
    await confirm.waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('“croissant-copy.png” kept.').waitFor();
    await review(page).getByText('“dog.png” and').waitFor();
    expect(await statusOf(last.pairs[0]?.id ?? 0)).toBe('open');
  });

  it('says that somebody else was faster, and shows what is left', async () => {
    const { copies } = await app.addGroup('owl', 'resaved');
    await app.addGroup('guitar', 'identical');
    const page = await browser.open(app.url, app.path);
    await review(page).getByText('“guitar.png” and').waitFor();
    await page.keyboard.press('j');
    await review(page).getByText('Suggestion: keep “owl.png”').waitFor();
    await app.library.call('delete', `/upload/files/${String(copies[0]?.id)}`);
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Somebody else has decided').waitFor();
    await review(page).getByText('1 of 1').waitFor();
    expect(await rows(page).count()).toBe(1);
  });

  it('takes a decision back that Strapi never heard of, and takes it again', async () => {
    const { pairs } = await app.addGroup('owl', 'resaved');
    await app.addGroup('guitar', 'identical');
    const id = pairs[0]?.id ?? 0;
    const page = await browser.open(app.url, `${app.path}?group=${String(id)}`);
    await review(page).getByText('“owl.png” and').waitFor();
    await page.route('**/decision', (route) => route.abort('connectionfailed'));
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Strapi cannot be reached').waitFor();
    await page.unroute('**/decision');
    expect(await rows(page).count()).toBe(2);
    expect(await statusOf(id)).toBe('open');
    await rows(page).filter({ hasText: 'owl' }).click();
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await reaches(id, 'ignored');
    await review(page).getByText('1 of 1').waitFor();
  });

  it('says that the list could not be read, and reads it when asked again', async () => {
    await app.addGroup('dog', 'resaved');
    const page = await browser.open(app.url, '/plugins/image-search/index');
    await page.route('**/image-search/duplicates?**', (route) => route.abort('connectionfailed'));
    await page.getByRole('link', { name: 'Duplicates', exact: true }).click();
    await page.getByText('Strapi cannot be reached').first().waitFor();
    await page.unroute('**/image-search/duplicates?**');
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await review(page).getByText('“dog.png” and').waitFor();
  });

  it('opens the group of any pair that a link names, and shows that pair', async () => {
    const { pairs } = await app.addGroup('butterfly', 'resaved', 'mirrored', 'cropped');
    await app.addGroup('dog', 'resaved');
    const page = await browser.open(app.url, `${app.path}?group=${String(pairs[1]?.id)}`);
    await review(page).getByText('“butterfly.png” and “butterfly-mirrored.jpg”').waitFor();
    await review(page).getByText('2 of 2').waitFor();

    // With one group on a page, the one that is looked for is on the next.
    await page.route(/\/image-search\/duplicates\?status=open$/, (route) =>
      route.continue({ url: `${route.request().url()}&limit=1` }),
    );
    await page.reload();
    await review(page).getByText('“butterfly.png” and “butterfly-mirrored.jpg”').waitFor();
    await review(page).getByText('1 of 2').waitFor();
  });

  it('lets a role that may not change files ignore, and says what merging needs', async () => {
    await app.addGroup('pizza', 'resaved');
    const reviewer = await app.editorWith(DUPLICATES, READ);
    const page = await browser.open(app.url, app.path, { as: reviewer });
    await review(page).getByText('Your role may not change these files.').waitFor();
    expect(await review(page).getByRole('button', { name: 'Keep left' }).isDisabled()).toBe(true);
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Nothing left to decide').waitFor();

    const stranger = await app.editorWith(READ, { action: 'plugin::image-search.search' });
    const other = await browser.open(app.url, app.path, { as: stranger });
    await other.getByText('“Merge duplicates”').waitFor();
  });

  it('explains an empty list', async () => {
    const page = await browser.open(app.url, app.path);
    await page
      .getByText('is in the library twice')
      .or(page.getByText('not compared yet'))
      .first()
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});
