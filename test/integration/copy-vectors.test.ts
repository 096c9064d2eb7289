import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import type { VectorPoint } from '../../plugin/src/vectors/contract';
import { createEmbeddedStore } from '../../plugin/src/vectors/embedded';
import { createSeededRandom } from '../../sample/seeded-random';
import { startCommand, type CommandEnd } from '../support/copy-command';
import { describeWithServer } from '../support/describe-with-server';
import { postgresWithVectors } from '../support/postgres-server';
import { startQdrantServer, type QdrantServer } from '../support/qdrant-server';
import { randomUnitVector } from '../support/random-vectors';
import { createRecordingLogger } from '../support/recording-logger';
import { createDataFolder } from '../support/strapi-app';
import { sizeOf } from '../support/test-size';
import { pointOf } from '../support/vector-points';

/** Enough batches that an interruption comes between two of them. */
const POINTS = sizeOf({ ci: 8_000, long: 20_000 });
const DIMENSIONS = 16;
const counted = POINTS.toLocaleString('en');
const API_KEY = 'not-to-be-shown';
const toQdrant = ['copy-vectors', '--from', 'embedded', '--to', 'qdrant'];
const toEmbedded = ['copy-vectors', '--from', 'qdrant', '--to', 'embedded'];

const space = createVectorSpace({
  provider: 'test',
  model: 'copied',
  dimensions: DIMENSIONS,
  preprocessing: 'none',
});
const random = createSeededRandom('copied');
const points = Array.from({ length: POINTS }, (_, index) =>
  pointOf(2 * index + 1, randomUnitVector(random, DIMENSIONS), random.hexadecimal(64)),
);

let dataFolder: string;
let qdrant: QdrantServer;

/** Where the test app has its vectors. */
const vectorFile = (): string => path.join(dataFolder, 'image-search.sqlite');

async function withStore<Result>(
  file: string,
  work: (store: ReturnType<typeof createEmbeddedStore>) => Promise<Result>,
): Promise<Result> {
  const store = createEmbeddedStore({
    file,
    prefilterFrom: 1_000,
    logger: createRecordingLogger(),
  });
  try {
    return await work(store);
  } finally {
    await store.dispose();
  }
}

async function fillFile(file: string, given: readonly VectorPoint[]): Promise<void> {
  await withStore(file, async (store) => (await store.ensureSpace(space)).upsert(given));
}

async function readFile(file: string): Promise<VectorPoint[]> {
  return withStore(file, async (store) => {
    const collection = await store.ensureSpace(space);
    const { ids } = await collection.listIds(null, 2 * POINTS);
    const found = await collection.getMany(ids);
    return found.toSorted((left, right) => left.fileId - right.fileId);
  });
}

function run(
  given: readonly string[],
  options: Partial<Parameters<typeof startCommand>[0]> = {},
): Promise<CommandEnd> {
  const env = { QDRANT_URL: qdrant.url, QDRANT_API_KEY: API_KEY };
  return startCommand({ given, dataFolder, env, ...options }).end;
}

/** Ids that were stored in Qdrant, as often as they were. */
function writtenIds(): number[] {
  return qdrant.requests.flatMap(({ operation, body }) =>
    operation === 'upsert' ? (body as { points: { id: number }[] }).points.map(({ id }) => id) : [],
  );
}

beforeEach(async () => {
  dataFolder = await createDataFolder();
  qdrant = await startQdrantServer({ apiKey: API_KEY });
});

afterEach(async () => {
  await qdrant.close();
  await rm(dataFolder, { recursive: true, force: true });
});

describe('copy-vectors', () => {
  it('continues after an interruption, and back to where the vectors came from', async () => {
    await fillFile(vectorFile(), points);
    const env = { QDRANT_URL: qdrant.url, QDRANT_API_KEY: API_KEY };
    const command = startCommand({ given: toQdrant, dataFolder, env });
    let upserts = 0;
    qdrant.failWhen(
      ({ operation }) => {
        if (operation !== 'upsert') return false;
        upserts += 1;
        // A second one would end it at once.
        if (upserts === 3) command.interrupt();
        return false;
      },
      { kind: 'hang' },
    );
    const first = await command.end;
    expect(first).toMatchObject({ code: 130, errors: expect.stringContaining('Run the same') });
    expect(first.output).toContain(`${space.id}: ${counted} vectors`);
    expect(first.errors).toContain('Run the same command again');
    const interruptedAt = writtenIds().length;
    expect(interruptedAt).toBeGreaterThanOrEqual(1_500);
    expect(interruptedAt).toBeLessThan(POINTS);
    qdrant.heal();

    const second = await run(toQdrant);
    expect(second).toMatchObject({ code: 0, errors: '' });
    expect(second.output).toContain(`${counted} of ${counted}`);
    expect(second.output).toContain('Set vectors.store to "qdrant" in config/plugins');
    expect(writtenIds()).toEqual(points.map(({ fileId }) => fileId));
    expect(qdrant.violations).toEqual([]);

    const copy = path.join(dataFolder, 'copy.sqlite');
    const vectors = { store: 'qdrant', url: qdrant.url, apiKey: API_KEY };
    const back = await run([...toEmbedded, '--path', copy], { vectors, env: {} });
    expect(back).toMatchObject({ code: 0, errors: '' });
    const returned = await readFile(copy);
    expect(returned.map(({ fileId, payload }) => ({ fileId, payload }))).toEqual(
      points.map(({ fileId, payload }) => ({ fileId, payload })),
    );
    const worst = returned.slice(0, 2_000).reduce((most, { vector }, position) => {
      const differences = vector.map((value, index) =>
        Math.abs(value - (points[position]?.vector[index] ?? NaN)),
      );
      return Math.max(most, ...differences);
    }, 0);
    expect(worst).toBeLessThan(1e-6);
    for (const { output, errors } of [first, second, back]) {
      expect(output + errors).not.toContain(API_KEY);
    }
  });

  it('leaves or removes what only the target has', async () => {
    await fillFile(vectorFile(), points.slice(0, 100));
    await run(toQdrant);
    await withStore(vectorFile(), async (store) => {
      await (await store.ensureSpace(space)).remove([1, 3, 5]);
    });
    const kept = await run(toQdrant);
    expect(kept.output).toContain('3 vectors are only in "qdrant"; --remove-extra removes them.');
    const removed = await run([...toQdrant, '--remove-extra', '--space', space.id]);
    expect(removed.output).toContain('Removed 3 vectors that only "qdrant" had.');
    const again = await run(toQdrant);
    expect(again.output).toContain('97 of 97, 0 copied, 97 unchanged');
    expect(again.output).not.toContain('alone');
  });
});

describe('copy-vectors rejects, and says what to fix:', () => {
  const cases: [string, string[], RegExp][] = [
    [
      'a store that it does not know',
      ['--from', 'embedded', '--to', 'redis'],
      /--to can't be "redis"; it is one of embedded, postgres, qdrant/,
    ],
    ['no store', ['--to', 'qdrant'], /--from is missing/],
    ['one store twice', ['--from', 'qdrant', '--to', 'qdrant'], /both "qdrant"/],
    ['an option that it does not know', [...toQdrant.slice(1), '--api-key', API_KEY], /--api-key/],
    ['a path that config/plugins has', [...toQdrant.slice(1), '--path', 'x'], /omit --path/],
  ];

  it.each(cases)('%s', async (_name, given, message) => {
    const end = await run(['copy-vectors', ...given]);
    expect(end.code).toBe(2);
    expect(end.errors).toMatch(message);
    expect(end.errors).toContain('Usage: ');
    expect(end.errors).not.toContain(API_KEY);
  });

  it('Qdrant without a URL', async () => {
    const end = await run(toQdrant, { env: {} });
    expect(end).toMatchObject({ code: 2, output: '' });
    expect(end.errors).toContain('--url or QDRANT_URL');
  });

  it('Qdrant that is down', async () => {
    await fillFile(vectorFile(), points.slice(0, 3));
    await qdrant.setDown(true);
    const end = await run(toQdrant);
    expect(end.code).toBe(1);
    expect(end.errors).toContain('The store "qdrant" isn\'t responding');
  });

  it('a key that Qdrant rejects', async () => {
    await fillFile(vectorFile(), points.slice(0, 3));
    const end = await run(toQdrant, {
      env: { QDRANT_URL: qdrant.url, QDRANT_API_KEY: 'wrong-key' },
    });
    expect(end.code).toBe(1);
    expect(end.errors).not.toContain('wrong-key');
  });

  it('a vector file that does not exist', async () => {
    const end = await run(toQdrant);
    expect(end.code).toBe(1);
    expect(end.errors).toContain(`Vector file not found: ${vectorFile()}`);
  });

  it('a vector file that is damaged, without removing anything', async () => {
    await fillFile(vectorFile(), points.slice(0, 100));
    await run(toQdrant);
    await writeFile(vectorFile(), 'This was a database once.'.repeat(1_000));
    const end = await run([...toQdrant, '--remove-extra']);
    expect(end.code).toBe(1);
    expect(end.errors).toContain('is damaged');
    expect(qdrant.requests.filter(({ operation }) => operation === 'remove')).toEqual([]);
  });

  it('an empty source', async () => {
    const vectors = { store: 'qdrant', url: qdrant.url, apiKey: API_KEY };
    const end = await run(toEmbedded, { vectors });
    expect(end.code).toBe(1);
    expect(end.errors).toContain('The store "qdrant" has no vectors');
  });

  it('a folder that is not a Strapi project', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-no-project-'));
    const end = await run(toQdrant, { folder });
    await rm(folder, { recursive: true });
    expect(end.code).toBe(1);
    expect(end.errors).toContain("isn't a Strapi project");
  });
});

describe('the program', () => {
  it('prints its usage', async () => {
    const end = await run(['--help']);
    expect(end).toMatchObject({ code: 0, errors: '' });
    expect(end.output).toContain('copy-vectors');
    expect(await run(['copy-vectors', '--help'])).toEqual(end);
  });

  it.each([[[]], [['copy']]])('rejects %j', async (given) => {
    const end = await run(given);
    expect(end.code).toBe(2);
    expect(end.errors).toContain('Usage: ');
  });
});

describeWithServer(postgresWithVectors, 'copy-vectors and PostgreSQL', (server) => {
  it('copies there and back, with the URL from the environment, which nobody sees', async () => {
    const few = points.slice(0, 1_000);
    await fillFile(vectorFile(), few);
    const { host = '', database = '' } = (await server().createDatabase()).connection;
    const url = `postgres://strapi:${API_KEY}@localhost/${database}?host=${host}`;
    const env = { IMAGE_SEARCH_POSTGRES_URL: url };
    const there = await run(['copy-vectors', '--from', 'embedded', '--to', 'postgres'], { env });
    expect(there).toMatchObject({ code: 0, errors: '' });
    expect(there.output).toContain('All vectors of "embedded" are now in "postgres".');

    await rm(vectorFile());
    await fillFile(vectorFile(), few.slice(0, 10));
    const back = await run(['copy-vectors', '--from', 'postgres', '--to', 'embedded'], { env });
    expect(back).toMatchObject({ code: 0, errors: '' });
    expect(await readFile(vectorFile())).toEqual(few);
    expect(`${there.output}${back.output}`).not.toContain(API_KEY);
  });

  it('says what is missing when Strapi has another database, and none is named', async () => {
    await fillFile(vectorFile(), points.slice(0, 10));
    const end = await run(['copy-vectors', '--from', 'embedded', '--to', 'postgres']);
    expect(end.code).toBe(1);
    expect(end.errors).toContain('vectors.url is missing');
  });
});
