import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { renderSamplePicture } from '../../sample/library';
import { findAccessibilityFaults } from '../support/accessibility';
import type { PanelBrowser } from '../support/panel-browser';
import { createLibrary, samplePicture } from '../support/library';
import { SEARCH_PAGE, searchOn, type GivenFile } from '../support/panel-search';
import type { SearchApp } from '../support/search-app';

/** Pictures as questions, and pictures that leave the page; on a Strapi that runs already. */
export function testSearchWithPictures(browser: PanelBrowser, app: () => SearchApp): void {
  const idOf = (concept: string): number => app().fileOf(concept).id;

  async function pictureOf(concept: string, name: string): Promise<GivenFile> {
    const bytes = await renderSamplePicture(app().fileOf(concept).picture);
    return { bytes, name, type: 'image/jpeg' };
  }

  it('finds by a picture that is dropped, and keeps it in this tab', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.drop(await pictureOf('owl', 'bird.jpg'));
    await search.waitForBest(idOf('owl'));
    await page.getByRole('button', { name: 'Remove “Like bird.jpg” from the search' }).waitFor();
    const known = page
      .getByRole('status')
      .filter({ hasText: 'The library has this picture already:' });
    expect(await known.getByRole('link').getAttribute('href')).toBe(
      `/admin/plugins/upload?assetId=${String(idOf('owl'))}`,
    );
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.reload();
    await search.waitForBest(idOf('owl'));

    const other = await browser.open(app().url, SEARCH_PAGE + new URL(page.url()).search);
    await other.getByText('The picture of this search is not here').waitFor();
  });

  it('says that the library does not have a picture yet', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const bytes = (await samplePicture('helicopter')).bytes;
    await searchOn(page).drop({ bytes, name: 'new.png', type: 'image/png' });
    await page.getByText('No copy of this picture was found in the library.').waitFor();
  });

  it('refuses a file that is no picture', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const file = { bytes: Buffer.from('words'), name: 'notes.txt', type: 'text/plain' };
    await searchOn(page).drop(file);
    await page.getByText('“notes.txt” is not a picture.').waitFor();
    expect(searchOn(page).address().size).toBe(0);
  });

  it('finds by a picture that is pasted, and by words beside it', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.paste(await pictureOf('castle', 'copied.png'));
    await search.waitForBest(idOf('castle'));
    await search.field.fill('rocket');
    await page.waitForURL((address) => address.searchParams.get('text') === 'rocket');
    await page.getByRole('button', { name: 'Remove “Like copied.png” from the search' }).click();
    await search.waitForBest(idOf('rocket'));
    expect(search.address().toString()).toBe('text=rocket');
  });

  it('finds by a picture that is picked from the library', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await page.getByRole('button', { name: 'Search with a picture' }).click();
    await page.getByRole('menuitem', { name: 'From the Media Library …' }).click();
    const dialog = page.getByRole('dialog');
    const { fileName } = app().fileOf('butterfly').picture;
    await dialog.getByRole('checkbox', { name: fileName }).click();
    await dialog.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('button', { name: `Remove “Like ${fileName}” from the search` }).waitFor();
    expect(search.address().toString()).toBe(`like=${String(idOf('butterfly'))}`);
    await search.results.waitFor();
  });

  it('downloads what is selected', async () => {
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=pizza`);
    const search = searchOn(page);
    await search.waitForBest(idOf('pizza'));
    await search.select(idOf('pizza'));
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await saved;
    const { fileName } = app().fileOf('pizza').picture;
    expect(download.suggestedFilename()).toBe(fileName);
    const row: unknown = await app()
      .strapi.db.query('plugin::upload.file')
      .findOne({ where: { id: idOf('pizza') } });
    const { url } = row as { url: string };
    const stored = await app().request.get(url).buffer(true);
    expect((await readFile(await download.path())).equals(stored.body as Buffer)).toBe(true);
  });

  it('looks within a folder and those below it alone', async () => {
    const library = createLibrary(app());
    const folderId = await library.createFolder('Vehicles');
    const inside = [idOf('bicycle'), idOf('sailboat')].sort();
    const move = { fileIds: inside, destinationFolderId: folderId };
    expect((await library.call('post', '/upload/actions/bulk-move', move)).status).toBe(200);
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=dog`);
    const search = searchOn(page);
    await search.waitForBest(idOf('dog'));
    await search.filter('Folder', 'Vehicles');
    await page.getByRole('button', { name: 'Remove the filter “Folder: Vehicles”' }).waitFor();
    await page.getByRole('status').filter({ hasText: '2 pictures found' }).waitFor();
    expect((await search.ids()).sort()).toEqual(inside);
    expect(search.address().toString()).toBe(`text=dog&folder=${String(folderId)}`);
  });

  it('looks within days of the calendar', async () => {
    await app()
      .strapi.db.connection('files')
      .where({ id: idOf('camera') })
      .update({ created_at: new Date('2024-02-29T12:00:00Z') });
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=camera`);
    const search = searchOn(page);
    await search.waitForBest(idOf('camera'));
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByLabel('From', { exact: true }).fill('2024-02-29');
    await page.getByLabel('To', { exact: true }).fill('2024-02-29');
    await page.keyboard.press('Escape');
    await page.getByRole('status').filter({ hasText: 'One picture found' }).waitFor();
    expect(await search.ids()).toEqual([idOf('camera')]);
    expect(search.address().toString()).toBe('text=camera&from=2024-02-29&to=2024-02-29');
    await page.getByRole('button', { name: 'Remove the filter “From Feb 29, 2024”' }).click();
    await page.getByRole('button', { name: 'Remove the filter “Until Feb 29, 2024”' }).waitFor();
    await search.filter('Uploaded', 'In the last week');
    await page.getByRole('status').filter({ hasText: '15 pictures found' }).waitFor();
    expect(search.address().toString()).toBe('text=camera&days=7');
  });
}
