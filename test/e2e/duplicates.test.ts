import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { DUPLICATES, READ } from '../support/duplicates-app';
import { startDuplicatesPanel, type DuplicatesPanel } from '../support/duplicates-panel';
import { createArticle, readArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
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

  it('describes a pair in words, in every view, with its numbers', async () => {
    await app.addGroup('teapot', 'mirrored');
    await app.addGroup('guitar', 'cropped');
    await app.addGroup('butterfly', 'resaved', 'mirrored', 'cropped');
    await app.addGroup('red-apple', 'identical');
    const page = await browser.open(app.url, app.path);
    await heading(page).getByText('Identical files').waitFor();
    expect(await rows(page).count()).toBe(4);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.getByRole('button', { name: 'Next group' }).click();
    await review(page).getByRole('group', { name: 'Files in this group' }).waitFor();
    await page.getByRole('button', { name: 'Next group' }).click();
    await review(page).getByText('“guitar-crop.jpg” is a crop of “guitar.png”').waitFor();
    await review(page).getByText('Cropped area', { exact: true }).waitFor();
    await review(page).getByText('Suggestion: keep “guitar.png”').waitFor();

    await page.getByRole('button', { name: 'Swipe' }).click();
    const divider = page.getByRole('slider', { name: 'Divider' });
    await divider.focus();
    await page.keyboard.press('ArrowRight');
    expect(await divider.getAttribute('aria-valuetext')).toBe('51% of the left image');
    expect(await findAccessibilityFaults(page)).toEqual([]);

    // With reduced motion, nothing changes by itself.
    await page.getByRole('button', { name: 'Blink' }).click();
    await review(page).getByText('Left: guitar.png').waitFor();
    await page.getByRole('button', { name: 'Show other image' }).click();
    await review(page).getByText('Right: guitar-crop.jpg').waitFor();
  });

  it('filters by kind and keeps that in the address', async () => {
    await app.addGroup('teapot', 'mirrored');
    await app.addGroup('red-apple', 'identical');
    const page = await browser.open(app.url, `${app.path}?kind=edited`);
    await heading(page).getByText('Mirrored version').waitFor();
    expect(await rows(page).count()).toBe(1);
    await page.getByRole('combobox', { name: 'Kind of duplicate' }).click();
    await page.getByRole('option', { name: 'Same image (re-saved)' }).click();
    await page.getByText('No duplicates of this kind').waitFor();
    expect(new URL(page.url()).searchParams.get('kind')).toBe('same-image');
    await page.getByRole('button', { name: 'Show all kinds' }).click();
    await heading(page).waitFor();
    expect(await rows(page).count()).toBe(2);
  });

  it('ignores at once, reopens, and names who did it', async () => {
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
    await review(page).getByRole('button', { name: 'Reopen' }).click();
    await page.getByText('No ignored duplicates').waitFor();
    await reaches(id, 'open');
  });

  it('previews a merge, merges, and undoes it', async () => {
    const { original, copies } = await app.addGroup('sailboat', 'resaved');
    const [copy] = copies;
    const { documentId } = await createArticle(app, { title: 'At sea', cover: copy?.id });
    const page = await browser.open(app.url, app.path);
    await review(page).getByText('Suggestion: keep “sailboat.png”').waitFor();
    await review(page).getByRole('button', { name: 'Keep left' }).click();
    const dialog = page.getByRole('dialog', { name: 'Merge into “sailboat.png”' });
    await dialog.getByText('1 field will use the kept file').click();
    await dialog.getByText('Article: At sea').waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    expect(await app.files([copy?.id ?? 0])).toHaveLength(1);

    await dialog.getByText('The copies stay in the trash for 30 days.').waitFor();
    await dialog.getByRole('button', { name: 'Merge 1 copy' }).click();
    await page
      .getByText('Merged into “sailboat.png”. 1 copy moved to the trash, 1 reference updated.')
      .waitFor();
    const cover = async () =>
      (await readArticle(app, documentId, { locale: 'en', status: 'draft' }))['cover'];
    expect(await cover()).toMatchObject({ id: original.id });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Merge undone. 1 reference restored.').waitFor();
    expect(await cover()).toMatchObject({ id: copy?.id });
    await review(page).getByText('Suggestion: keep “sailboat.png”').waitFor();
  });

  it('lists merges, and undoes or empties them', async () => {
    const page = await browser.open(app.url, `${app.path}?status=merged`);
    const merge = async (concept: string) => {
      const { original, copies } = await app.addGroup(concept, 'resaved');
      const fileIds = [original, ...copies].map(({ id }) => id);
      await app.post('duplicates/merge', { fileIds, keepId: original.id });
      return fileIds[1] ?? 0;
    };
    const dogCopy = await merge('dog');
    const owlCopy = await merge('owl');
    await page.route('**/duplicates/merges?**', (route) => route.abort('connectionfailed'));
    await page.reload();
    await page.getByText('Can’t reach Strapi').first().waitFor();
    await page.unroute('**/duplicates/merges?**');
    await page.getByRole('button', { name: 'Retry' }).first().click();

    const merges = page.getByRole('list', { name: 'Merges', exact: true });
    const item = (name: string) =>
      merges.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
    await item('owl.png').getByText('In the trash: 30 days left').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await item('owl.png').getByRole('button', { name: 'Undo merge into “owl.png”' }).focus();
    await page.keyboard.press('Enter');
    await item('owl.png').getByText('Undone').waitFor();
    // The focus stays with the merge whose button is gone.
    await pollUntil(
      () => page.evaluate(() => document.activeElement?.textContent ?? ''),
      (focused) => focused.includes('owl.png'),
    );

    await item('dog.png').getByRole('button', { name: 'Delete now' }).click();
    const question = page.getByRole('alertdialog', { name: 'Delete these copies now?' });
    await question.getByText('the merge can no longer be undone').waitFor();
    await question.getByRole('button', { name: 'Delete now' }).click();
    await page.getByText('1 copy deleted.').waitFor();
    expect(await item('dog.png').getByRole('button').count()).toBe(0);
    expect((await app.files([dogCopy, owlCopy])).map(({ id }) => id)).toEqual([owlCopy]);
    const dark = await browser.open(app.url, `${app.path}?status=merged`, { theme: 'dark' });
    await dark.getByText('Undone').first().waitFor();
    expect(await findAccessibilityFaults(dark)).toEqual([]);
  });

  it('merges all identical files at once, says what it left out, and undoes it', async () => {
    const owl = await app.addGroup('owl', 'identical');
    await app.addGroup('pizza', 'identical');
    const guitar = await app.addGroup('guitar', 'identical');
    const gallery = [guitar.original.id, guitar.copies[0]?.id];
    await createArticle(app, { title: 'Music', gallery });
    const page = await browser.open(app.url, app.path);
    await page.getByRole('button', { name: 'Merge all identical…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Merge all identical files' });
    await dialog.getByText('2 groups can be merged').waitFor();
    await dialog.getByText('2 files move to the trash').waitFor();
    await dialog.getByText('1 group left out').waitFor();
    await dialog.getByText('in a way that needs a closer look').waitFor();
    await dialog.getByRole('link', { name: 'guitar.png' }).waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    expect(await statusOf(owl.pairs[0]?.id ?? 0)).toBe('open');
    // The focus is on “Cancel”.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const bar = page.getByRole('status');
    await bar.getByText('2 groups merged, 2 copies moved to the trash.').waitFor();
    expect(await statusOf(owl.pairs[0]?.id ?? 0)).toBe('merged');
    await review(page).getByText('“guitar.png” and').waitFor();
    expect(await rows(page).count()).toBe(1);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    // It is still there for whoever leaves the page and comes back.
    await page.getByRole('link', { name: 'Index', exact: true }).click();
    await page.getByRole('link', { name: 'Duplicates', exact: true }).click();
    await bar.getByRole('button', { name: 'Undo all' }).click();
    await bar.getByText('2 groups restored.').waitFor();
    await pollUntil(
      () => rows(page).count(),
      (count) => count === 3,
    );
    await bar.getByRole('button', { name: 'Dismiss' }).click();
    await bar.getByText('2 groups restored.').waitFor({ state: 'detached' });

    const dark = await browser.open(app.url, app.path, { theme: 'dark' });
    await dark.getByRole('button', { name: 'Merge all re-saved…' }).click();
    const empty = dark.getByRole('dialog', { name: 'Merge all re-saved images' });
    await empty.getByText('No group can be merged').waitFor();
    expect(await findAccessibilityFaults(dark, '[role="dialog"]')).toEqual([]);
    await dark.keyboard.press('Escape');
    await dark.getByRole('button', { name: 'Merge all re-saved…' }).waitFor();
  });

  it('works with the keyboard alone, also in dark mode', async () => {
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
    // An open dialog disables the shortcuts.
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await review(page).getByText('“croissant.png” and').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.keyboard.press('2');
    const dialog = page.getByRole('dialog', { name: 'Merge into “croissant-copy.png”' });
    await dialog.getByRole('button', { name: 'Merge 1 copy' }).waitFor();
    // A key pressed too early deletes nothing: the focus is on “Cancel”.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Merged into “croissant-copy.png”.').waitFor();
    await review(page).getByText('“dog.png” and').waitFor();
    expect(await statusOf(last.pairs[0]?.id ?? 0)).toBe('open');
  });

  it('says that somebody else was faster, and shows what remains', async () => {
    const { copies } = await app.addGroup('owl', 'resaved');
    await app.addGroup('guitar', 'identical');
    const page = await browser.open(app.url, app.path);
    await review(page).getByText('“guitar.png” and').waitFor();
    await page.keyboard.press('j');
    await review(page).getByText('Suggestion: keep “owl.png”').waitFor();
    await app.library.call('delete', `/upload/files/${String(copies[0]?.id)}`);
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Someone else changed this').waitFor();
    await review(page).getByText('1 of 1').waitFor();
    expect(await rows(page).count()).toBe(1);
  });

  it('reverts a review that never reached Strapi, and retries it', async () => {
    const { pairs } = await app.addGroup('owl', 'resaved');
    await app.addGroup('guitar', 'identical');
    const id = pairs[0]?.id ?? 0;
    const page = await browser.open(app.url, `${app.path}?group=${String(id)}`);
    await review(page).getByText('“owl.png” and').waitFor();
    await page.route('**/review', (route) => route.abort('connectionfailed'));
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Can’t reach Strapi').waitFor();
    await page.unroute('**/review');
    expect(await rows(page).count()).toBe(2);
    expect(await statusOf(id)).toBe('open');
    await rows(page).filter({ hasText: 'owl' }).click();
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await reaches(id, 'ignored');
    await review(page).getByText('1 of 1').waitFor();
  });

  it('says that the list failed to load, and retries on request', async () => {
    await app.addGroup('dog', 'resaved');
    const page = await browser.open(app.url, '/plugins/image-search/index');
    await page.route('**/image-search/duplicates?**', (route) => route.abort('connectionfailed'));
    await page.getByRole('link', { name: 'Duplicates', exact: true }).click();
    await page.getByText('Can’t reach Strapi').first().waitFor();
    await page.unroute('**/image-search/duplicates?**');
    await page.getByRole('button', { name: 'Retry' }).first().click();
    await review(page).getByText('“dog.png” and').waitFor();
  });

  it('opens the group of the pair in a link, and shows that pair', async () => {
    const { pairs } = await app.addGroup('butterfly', 'resaved', 'mirrored', 'cropped');
    await app.addGroup('dog', 'resaved');
    const page = await browser.open(app.url, `${app.path}?group=${String(pairs[1]?.id)}`);
    await review(page).getByText('“butterfly.png” and “butterfly-mirrored.jpg”').waitFor();
    await review(page).getByText('2 of 2').waitFor();

    // With one group a page, this one is on the next page.
    await page.route(/\/image-search\/duplicates\?status=open$/, (route) =>
      route.continue({ url: `${route.request().url()}&limit=1` }),
    );
    await page.reload();
    await review(page).getByText('“butterfly.png” and “butterfly-mirrored.jpg”').waitFor();
    await review(page).getByText('1 of 2').waitFor();
  });

  it('lets a role without write access ignore, and says what merging requires', async () => {
    await app.addGroup('pizza', 'resaved');
    const reviewer = await app.editorWith(DUPLICATES, READ);
    const page = await browser.open(app.url, app.path, { as: reviewer });
    await review(page).getByText('You don’t have permission to change these files.').waitFor();
    expect(await review(page).getByRole('button', { name: 'Keep left' }).isDisabled()).toBe(true);
    await review(page).getByRole('button', { name: 'Ignore' }).click();
    await page.getByText('Nothing left to review').waitFor();

    const stranger = await app.editorWith(READ, { action: 'plugin::image-search.search' });
    const other = await browser.open(app.url, app.path, { as: stranger });
    await other.getByText('“Merge duplicates”').waitFor();
  });

  it('explains an empty list', async () => {
    const page = await browser.open(app.url, app.path);
    await page
      .getByText('No duplicates found')
      .or(page.getByText('Scan your library'))
      .or(page.getByText('Nothing left to review'))
      .first()
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});
