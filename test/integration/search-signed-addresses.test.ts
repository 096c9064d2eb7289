import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, type SearchFace } from '../support/search-face';

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;

beforeAll(async () => {
  app = await startSearchApp({ images: imagesOf(['dog', 'cat']) });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
});

afterAll(async () => {
  await app.stop();
});

afterEach(() => {
  jest.restoreAllMocks();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

interface Addressed {
  url: string;
}

interface StorageProvider {
  isPrivate(): Promise<boolean>;
  getSignedUrl(file: Addressed): Promise<Addressed>;
}

/** The storage that the app runs with, from now on one that hands out addresses with a signature. */
function makeStoragePrivate(): void {
  const { provider } = app.strapi.plugin('upload') as unknown as { provider: StorageProvider };
  let signatures = 0;
  jest.spyOn(provider, 'isPrivate').mockResolvedValue(true);
  jest.spyOn(provider, 'getSignedUrl').mockImplementation((file) => {
    signatures += 1;
    return Promise.resolve({ url: `${file.url}?signature=${String(signatures)}` });
  });
}

function addressesOf(file: Record<string, unknown>): string[] {
  const formats = file.formats as Record<string, Addressed>;
  return [file as unknown as Addressed, ...Object.values(formats)].map(({ url }) => url);
}

describe.each(faces)('private storage, over the %s', (_name, face) => {
  it('gets signed URLs, including those of its formats', async () => {
    makeStoragePrivate();
    const { data } = await face().searchText('dog');
    expect(data).toHaveLength(2);
    for (const { file } of data) {
      const addresses = addressesOf(file);
      expect(addresses.length).toBeGreaterThan(1);
      for (const address of addresses) expect(address).toMatch(/\?signature=\d+$/);
    }
  });

  it('gets them signed for each response, and none is stored', async () => {
    makeStoragePrivate();
    const { id } = app.fileOf('dog');
    const [first] = (await face().similar(id)).data;
    const [second] = (await face().similar(id)).data;
    expect(first?.file.url).not.toEqual(second?.file.url);
    jest.restoreAllMocks();
    for (const { file } of (await face().searchText('dog')).data) {
      for (const address of addressesOf(file)) expect(address).not.toContain('signature');
    }
  });
});
