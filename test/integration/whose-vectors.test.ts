import { execFile } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { startJinaServer, type JinaServer } from '../support/jina-server';
import { createLibrary, sampleImages, type FileBytes, type Library } from '../support/library';
import { ampleQuota, testKey } from '../support/openai-provider';
import { repositoryFolder } from '../support/paths';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import { appFolder, createAppEnvironment } from '../support/strapi-environment';

const model = 'jina-clip-v2';
const concepts = ['a dog', 'a pizza', 'a guitar', 'the sea'];

/** By text: score of every file found, by its name. */
type Answers = Map<string, Map<string, number>>;

describe('vectors of several databases', () => {
  let server: JinaServer;
  let images: FileBytes[];
  const folders: string[] = [];
  let app: StrapiApp | null = null;

  beforeAll(async () => {
    server = await startJinaServer({ apiKey: testKey, model, dimensions: 256 });
    images = await sampleImages(12);
  });
  afterEach(async () => {
    await app?.stop();
    app = null;
  });
  afterAll(async () => {
    await server.close();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  const settings = (vectorFile: string) => ({
    embedding: {
      provider: 'openai',
      model,
      dimensions: 256,
      ...ampleQuota,
      baseURL: server.baseURL,
      apiKey: testKey,
    },
    vectors: { store: 'embedded', path: vectorFile },
    search: { requestsPerMinute: 1_000_000 },
  });
  const vectorFileOf = (folder: string): string => path.join(folder, 'image-search.sqlite');

  async function createFolder(): Promise<string> {
    const folder = await createDataFolder();
    folders.push(folder);
    return folder;
  }

  async function start(
    dataFolder: string,
    vectorFile = vectorFileOf(dataFolder),
  ): Promise<StrapiApp & { library: Library }> {
    await app?.stop();
    const started = await startStrapi({ dataFolder, imageSearch: settings(vectorFile) });
    app = started;
    return { ...started, library: createLibrary(started) };
  }

  async function ask({ library }: { library: Library }): Promise<Answers> {
    const answers: Answers = new Map();
    for (const text of concepts) {
      const { body } = await library.call('post', '/image-search/search', { text });
      const hits = (body as { data: { score: number; file: { name: string } }[] }).data;
      answers.set(text, new Map(hits.map(({ score, file }) => [file.name, score])));
    }
    return answers;
  }

  /** Every hit has the score that its image deserves. */
  function expectRight(answers: Answers, truth: Answers): void {
    for (const [text, hits] of answers) {
      for (const [name, score] of hits)
        expect(score).toBeCloseTo(truth.get(text)?.get(name) ?? NaN, 4);
    }
  }

  function expectComplete(answers: Answers, truth: Answers): void {
    expectRight(answers, truth);
    for (const [text, hits] of answers)
      expect([...hits.keys()].sort()).toEqual([...(truth.get(text)?.keys() ?? [])].sort());
  }

  async function fill(dataFolder: string, files: readonly FileBytes[], vectorFile?: string) {
    const started = await start(dataFolder, vectorFile);
    const uploaded = await started.library.upload(...files);
    await started.waitUntilIndexed();
    return { started, uploaded, truth: await ask(started) };
  }

  async function runStrapi(dataFolder: string, ...given: string[]): Promise<void> {
    const program = path.join(repositoryFolder, 'node_modules/@strapi/strapi/bin/strapi.js');
    await promisify(execFile)(process.execPath, [program, ...given], {
      cwd: appFolder,
      env: {
        ...process.env,
        ...createAppEnvironment({ dataFolder, imageSearch: settings(vectorFileOf(dataFolder)) }),
      },
    });
  }

  it("never answers with another database's, and embeds only what is missing", async () => {
    const [production, staging] = [await createFolder(), await createFolder()];
    // The same ids, two of six images in common.
    await fill(production, images.slice(0, 6));
    const { truth } = await fill(staging, images.slice(4, 10));
    await app?.stop();
    const own = new Database(vectorFileOf(staging), { readonly: true });
    const owner = own.prepare('select id, name from databases').get() as {
      id: string;
      name: string;
    };
    own.close();
    await copyFile(vectorFileOf(production), vectorFileOf(staging));
    // The worst case: the file claims to be this database's.
    const foreign = new Database(vectorFileOf(staging));
    foreign.prepare('update databases set id = ?, name = ?').run(owner.id, owner.name);
    foreign.prepare('update spaces set database_id = ?').run(owner.id);
    foreign.close();

    const sent = server.imagesSent();
    const restored = await start(staging);
    let status = await restored.readStatus();
    do {
      expectRight(await ask(restored), truth);
      status = await restored.readStatus();
    } while (status.isReconciling || status.counts.pending + status.counts.indexing > 0);
    await restored.waitUntilIndexed();
    expectComplete(await ask(restored), truth);
    expect(server.imagesSent() - sent).toBe(4);
  });

  it('live side by side in one file', async () => {
    const [one, other, shared] = [await createFolder(), await createFolder(), await createFolder()];
    const vectorFile = vectorFileOf(shared);
    const { truth } = await fill(one, images.slice(0, 6), vectorFile);
    const sent = server.imagesSent();
    const { started, truth: reused } = await fill(other, images.slice(0, 6), vectorFile);
    expect(server.imagesSent()).toBe(sent);
    expectComplete(reused, truth);
    const { store } = await started.readStatus();
    expect(store.message).toContain(`shared with the database ${path.join(one, 'strapi.sqlite')}`);
    const entries = await started.library.entries();
    for (const { fileId } of entries)
      await started.library.call('delete', `/upload/files/${String(fileId)}`);
    await pollUntil(
      async () => (await started.library.entries()).length,
      (left) => left === 0,
    );
    const again = await start(one, vectorFile);
    await again.waitUntilIndexed();
    expectComplete(await ask(again), truth);
    expect(server.imagesSent()).toBe(sent);
  });

  it('are reused after an import, which gives every file another id', async () => {
    const [source, target] = [await createFolder(), await createFolder()];
    const { started, truth } = await fill(source, images.slice(0, 6));
    const before = (await started.library.entries()).map(({ fileId }) => fileId);
    await started.stop();
    const archive = path.join(source, 'export');
    await runStrapi(source, 'export', '--no-encrypt', '--no-compress', '--file', archive);
    const sent = server.imagesSent();

    await runStrapi(source, 'import', '--force', '--file', `${archive}.tar`);
    const same = await start(source);
    await same.waitUntilIndexed();
    expectComplete(await ask(same), truth);
    expect(server.imagesSent()).toBe(sent);
    const after = (await same.library.entries()).map(({ fileId }) => fileId);
    expect(after).toHaveLength(before.length);
    expect(after.filter((fileId) => before.includes(fileId))).toEqual([]);
    await same.stop();

    // Into another project, which has files of its own and a copy of the vectors.
    await fill(target, images.slice(8, 10));
    await app?.stop();
    await copyFile(vectorFileOf(source), vectorFileOf(target));
    const sentBefore = server.imagesSent();
    await runStrapi(target, 'import', '--force', '--file', `${archive}.tar`);
    const other = await start(target);
    await other.waitUntilIndexed();
    expectComplete(await ask(other), truth);
    expect(server.imagesSent()).toBe(sentBefore);
  });

  it('are written again when their file is deleted, and none is embedded for a new upload of the same bytes', async () => {
    const folder = await createFolder();
    const { started, truth, uploaded } = await fill(folder, images.slice(0, 4));
    const sent = server.imagesSent();
    await rm(vectorFileOf(folder));
    const { store } = await started.readStatus();
    expect(store.ok).toBe(true);
    expect(store.message).toContain('was deleted while it was open');
    expectComplete(await ask(started), truth);
    const [first] = uploaded;
    await started.library.call('delete', `/upload/files/${String(first?.id)}`);
    await pollUntil(
      async () => (await started.library.entries()).length,
      (left) => left === 3,
    );
    await started.library.upload(...images.slice(0, 1));
    await started.waitUntilIndexed();
    expectComplete(await ask(started), truth);
    expect(server.imagesSent()).toBe(sent);
  });
});
