import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import qs from 'qs';
import { z } from 'zod';
import {
  imagesOf,
  publicSearchActions,
  startSearchApp,
  type SearchApp,
} from '../support/search-app';

const CONTENT = '/api/image-search';
const ADMIN = '/image-search';

interface HostileRequest {
  method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'HEAD';
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** What a 400 must name. */
  field?: string;
  /** True when no answer but an error is right. */
  isWrong?: boolean;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

let app: SearchApp;
let adminToken: string;
let fileId: number;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar']),
    publicActions: [
      ...publicSearchActions,
      'plugin::image-search.duplicates.findOne',
      'plugin::image-search.usage.findOne',
      'plugin::image-search.previews.findOne',
      'plugin::image-search.status.find',
    ],
    imageSearch: { search: { requestsPerMinute: 0 } },
  });
  adminToken = await app.adminToken();
  fileId = app.fileOf('dog').id;
});

afterAll(async () => {
  await app.stop();
});

/** Sends exactly these bytes: clients would refuse to. */
async function send({ method, path, headers = {}, body }: HostileRequest): Promise<Answer> {
  const { hostname, port } = new URL(app.url);
  const isAdmin = path.startsWith(ADMIN);
  return await new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        agent: false,
        headers: {
          ...(isAdmin && { authorization: `Bearer ${adminToken}` }),
          ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
      },
    );
    sent.setTimeout(10_000, () => sent.destroy(new Error('There was no answer in time.')));
    sent.on('error', reject);
    sent.end(body);
  });
}

const errorSchema = z.object({
  data: z.null(),
  error: z.object({
    status: z.number(),
    name: z.string().min(1),
    message: z.string().min(1).max(2_000),
    details: z.looseObject({}).optional(),
  }),
});

/** Stacks, folders of this machine, and the secrets that the app has. */
function revealing(): RegExp {
  const secrets = [adminToken, String(app.strapi.config.get('admin.auth.secret'))];
  const folders = [app.dataFolder, process.cwd(), 'node_modules'];
  return new RegExp(
    [...secrets, ...folders, String.raw`\bat .+:\d+:\d+`, 'SELECT |select `']
      .map((part, index) => (index < 5 ? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : part))
      .join('|'),
  );
}

/** What is wrong with the answer to a request; null if nothing is. */
function problemOf(
  { method, field, isWrong = false }: HostileRequest,
  answer: Answer,
): string | null {
  const { status, text } = answer;
  if (status >= 500 || status === 0) return `answered ${String(status)}: ${text}`;
  if (status < 400) return isWrong ? `answered ${String(status)}: ${text.slice(0, 100)}` : null;
  if (method === 'HEAD') return null;
  if (revealing().test(text)) return `reveals something: ${text}`;
  // Strapi's router and its parsers answer these themselves.
  if (status === 404 || status === 405) return null;
  const parsed = errorSchema.safeParse(toJson(text));
  if (!parsed.success) return `has another shape: ${text}`;
  const { error } = parsed.data;
  if (error.status !== status) return `has two statuses: ${text}`;
  if (/(\b.+\b): .*; \1: /.test(error.message)) return `says it twice: ${error.message}`;
  if (/received|Invalid input/.test(error.message)) return `isn't in our words: ${error.message}`;
  // Strapi's parser refuses that key anywhere in a body.
  const isNamed = error.message.includes(field ?? '') || error.message.includes('"__proto__"');
  if (status === 400 && !isNamed) {
    return `doesn't name ${String(field)}: ${error.message}`;
  }
  return null;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function problemsOf(requests: readonly HostileRequest[]): Promise<string[]> {
  const problems: string[] = [];
  for (const request of requests) {
    const answer = await send(request).catch((error: unknown) => ({
      status: 0,
      headers: {},
      text: String(error),
    }));
    const problem = problemOf(request, answer);
    if (problem === null) continue;
    const body = String(request.body ?? '').slice(0, 120);
    problems.push(`${request.method} ${request.path.slice(0, 160)} ${body} ${problem}`);
  }
  return problems;
}

const json = { 'content-type': 'application/json' };

/** JSON texts, because some of these values have no form in JavaScript. */
const hostileValues = [
  ...['null', 'true', 'false', '0', '-1', '1.5', '1e400', '-1e400', '9007199254740993'],
  ...['99999999999999999999999999', '""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"'],
  ...['"’--; DROP TABLE files"', '"\\u202e\\u200b\\ufeff"', '"👩‍👩‍👧‍👦"', '[]', '[[]]', '[null]', '{}'],
  ...['{"a":{"b":{"c":{}}}}', '[{"id":1}]', '{"$gt":""}', '{"__proto__":{"x":1}}'],
  ...[
    '{"constructor":{"prototype":1}}',
    '{"toString":1}',
    '"../../etc/passwd"',
    '"file:///etc/passwd"',
  ],
  `"${'x'.repeat(20_000)}"`,
  `${'['.repeat(500)}${']'.repeat(500)}`,
  `[${Array.from({ length: 3_000 }, () => '"x"').join(',')}]`,
];

const searchFields = [
  ...['text', 'image', 'url', 'fileId', 'vector', 'space', 'like', 'unlike', 'filters'],
  ...['pagination', 'minScore', 'orientation', 'unused', 'hasAlternativeText', 'nonsense'],
];

/** Each field of each body with each value. */
function withFields(
  path: string,
  fields: readonly string[],
  others: Record<string, unknown> = {},
): HostileRequest[] {
  return fields.flatMap((field) =>
    valuesFor(path, hostileValues).map((value): HostileRequest => {
      const rest = Object.entries(others)
        .filter(([name]) => name !== field)
        .map(([name, other]) => `,${JSON.stringify(name)}:${JSON.stringify(other)}`);
      const body = `{${JSON.stringify(field)}:${value}${rest.join('')}}`;
      return { method: 'POST', path, headers: json, body, field };
    }),
  );
}

/** Both faces have these routes and parse them alike, so each gets every second value. */
const sharedRoute = /\/search$|\/similar\/\d+$/;

function valuesFor<Value>(path: string, values: readonly Value[]): readonly Value[] {
  if (!sharedRoute.test(path)) return values;
  const remainder = path.startsWith(CONTENT) ? 0 : 1;
  return values.filter((_, index) => index % 2 === remainder);
}

const queryValues: unknown[] = [
  ...['', ' ', 'null', '-1', '1e400', '0x10', '99999999999999999999', '\u0000', 'a\u0000b', '👩‍👩‍👧‍👦'],
  ...['’ OR 1=1 --', '../../etc/passwd', '\u202e', ['a', 'b'], { a: 'b' }, { $gt: '' }, [[['a']]]],
];

function withQueries(path: string, fields: readonly string[], others = {}): HostileRequest[] {
  return fields.flatMap((field) =>
    valuesFor(path, queryValues).map((value): HostileRequest => {
      const query = qs.stringify({ ...others, [field]: value });
      return { method: 'GET', path: `${path}?${query}`, field };
    }),
  );
}

const hostileFilters = [
  ...['toString', 'hasOwnProperty', '__proto__', 'constructor', 'valueOf', 'isPrototypeOf'].flatMap(
    (key) => [
      [`{"${key}":1}`, key],
      [`{"name":{"${key}":{"$eq":"a"}}}`, key],
      [`{"$or":[{"${key}":{"$eq":"a"}}]}`, key],
      [`{"$not":{"${key}":null}}`, key],
    ],
  ),
  ...[
    '$eq',
    '$ne',
    '$lt',
    '$gte',
    '$contains',
    '$startsWithi',
    '$null',
    '$notNull',
    '$eqi',
  ].flatMap((operator) => [
    [`{"name":{"${operator}":{"a":1}}}`, operator],
    [`{"id":{"${operator}":[{"a":1}]}}`, operator],
  ]),
  ...['$in', '$notIn', '$between'].flatMap((operator) => [
    [`{"id":{"${operator}":{"a":1}}}`, operator],
    [`{"id":{"${operator}":[{"a":1}]}}`, operator],
    [`{"id":{"${operator}":[[1]]}}`, operator],
  ]),
  ...['$and', '$or'].flatMap((operator) => [
    [`{"${operator}":"a"}`, operator],
    [`{"${operator}":null}`, operator],
    [`{"${operator}":[1]}`, operator],
    [`{"${operator}":[["a"]]}`, operator],
  ]),
  ['{"$where":"1=1"}', '$where'],
  ['{"name":{"$where":"1=1"}}', 'filters'],
  ['{"nosuch":1}', 'nosuch'],
  ['{"id":{"$eq":"abc"}}', ''],
  ['{"createdAt":{"$gt":"yesterday"}}', ''],
  ['{"width":{"$between":[1]}}', ''],
  ['{"width":{"$between":[]}}', ''],
  ['{"name":{"$in":[]}}', ''],
  ['{"name":{"$null":"maybe"}}', ''],
  ['{"name":{"first":"a"}}', ''],
  ['{"name":[{"a":1}]}', 'name'],
  ['{"formats":{"$contains":"\\u0000"}}', ''],
  ['{"id":1e400}', ''],
  ['{"$not":"a"}', ''],
  ['{"$not":[{"id":1}]}', ''],
  ['{"":{"":""}}', ''],
] as [string, string][];

const faces = [CONTENT, ADMIN];

describe('fields of JSON bodies', () => {
  it.each(faces)('of %s/search', async (prefix) => {
    const requests = withFields(`${prefix}/search`, searchFields, { text: 'dog' });
    expect(requests.length).toBeGreaterThan(200);
    expect(await problemsOf(requests)).toEqual([]);
  });

  it('of embeddings, checks, reindexing, reviews and merges', async () => {
    const requests = [
      ...withFields(`${CONTENT}/embeddings`, ['text', 'image', 'url', 'nonsense']),
      ...withFields(`${ADMIN}/check`, ['image', 'nonsense']),
      ...withFields(`${ADMIN}/reindex`, ['scope', 'fileIds', 'nonsense']),
      ...withFields(`${ADMIN}/duplicates/1/review`, ['status', 'nonsense']),
      ...withFields(`${ADMIN}/duplicates/merge`, ['fileIds', 'keepId', 'dryRun'], {
        fileIds: [1, 2],
        keepId: 1,
        dryRun: true,
      }),
    ];
    expect(await problemsOf(requests)).toEqual([]);
  });

  it.each(faces)('of filters of %s', async (prefix) => {
    const requests = hostileFilters.map(([filters, field]): HostileRequest => ({
      method: 'POST',
      path: `${prefix}/search`,
      headers: json,
      body: `{"text":"dog","filters":${filters}}`,
      field,
      isWrong: field !== '',
    }));
    expect(await problemsOf(requests)).toEqual([]);
  });
});

describe('query strings', () => {
  const page = ['filters', 'pagination', 'minScore', 'orientation', 'unused', 'nonsense'];

  it.each(faces)('of %s', async (prefix) => {
    const requests = [
      ...withQueries(`${prefix}/search`, [...page, 'text', 'fileId', 'fields'], { text: 'dog' }),
      ...withQueries(`${prefix}/similar/${String(fileId)}`, page),
      ...['toString', '__proto__', 'hasOwnProperty', 'constructor'].flatMap((key) =>
        [`filters[${key}]=1`, `filters[name][${key}]=1`, `${key}=1`, `pagination[${key}]=1`].map(
          (query): HostileRequest => ({
            method: 'GET',
            path: `${prefix}/search?text=dog&${query}`,
            field: key,
            isWrong: true,
          }),
        ),
      ),
      ...[
        '%',
        '%zz',
        '%00',
        'text=%ff%fe',
        'text[=1',
        'text]=1',
        `a=${'x'.repeat(7_000)}`,
        '&&=&',
      ].map((query): HostileRequest => ({ method: 'GET', path: `${prefix}/search?${query}` })),
    ];
    expect(await problemsOf(requests)).toEqual([]);
  });

  it('of the lists', async () => {
    const requests = [
      ...withQueries(`${CONTENT}/duplicates/${String(fileId)}`, page),
      ...withQueries(`${CONTENT}/status`, ['nonsense']),
      ...withQueries(`${ADMIN}/duplicates`, ['status', 'kind', 'cursor', 'pair', 'limit']),
      ...withQueries(`${ADMIN}/duplicates/notes`, ['after']),
      ...withQueries(`${ADMIN}/files/${String(fileId)}/duplicates`, ['status']),
      ...withQueries(`${ADMIN}/entries`, ['space', 'state', 'cursor', 'limit']),
      ...withQueries(`${ADMIN}/estimate`, ['scope']),
    ];
    expect(await problemsOf(requests)).toEqual([]);
  });
});

describe('paths', () => {
  const ids = [
    ...['0', '-1', '01', '1.0', '1e3', '1e400', 'abc', '%00', '1%00', '%ff', '%2e%2e%2f', '1;2'],
    ...[
      '__proto__',
      'constructor',
      'null',
      '2147483648',
      '9'.repeat(40),
      '%F0%9F%98%80',
      'x'.repeat(3_000),
    ],
  ];
  const routes: [HostileRequest['method'], string][] = [
    ['GET', `${CONTENT}/similar/:id`],
    ['GET', `${CONTENT}/duplicates/:id`],
    ['GET', `${CONTENT}/usage/:id`],
    ['GET', `${CONTENT}/previews/:id`],
    ['GET', `${ADMIN}/previews/:id`],
    ['GET', `${ADMIN}/similar/:id`],
    ['GET', `${ADMIN}/files/:id/duplicates`],
    ['GET', `${ADMIN}/files/:id/usage`],
    ['GET', `${ADMIN}/files/:id/index`],
    ['POST', `${ADMIN}/duplicates/:id/review`],
    ['POST', `${ADMIN}/spaces/:id/activate`],
    ['DELETE', `${ADMIN}/spaces/:id`],
  ];

  it.each(routes)('%s %s', async (method, route) => {
    const requests = ids.map((id): HostileRequest => {
      const body = method === 'POST' ? '{"status":"open"}' : undefined;
      return {
        method,
        path: route.replace(':id', id),
        ...(body !== undefined && { body, headers: json }),
        isWrong: true,
      };
    });
    expect(await problemsOf(requests)).toEqual([]);
  });

  it('with another method', async () => {
    const methods = ['PUT', 'PATCH', 'DELETE', 'HEAD'] as const;
    const requests = methods.flatMap((method) =>
      [`${CONTENT}/search`, `${CONTENT}/status`, `${ADMIN}/search`, `${ADMIN}/reindex`].map(
        (path): HostileRequest => ({ method, path, body: method === 'HEAD' ? '' : '{' }),
      ),
    );
    expect(await problemsOf(requests)).toEqual([]);
  });
});

describe('bodies', () => {
  const posts = [
    ...[`${CONTENT}/search`, `${CONTENT}/embeddings`, `${ADMIN}/search`, `${ADMIN}/check`],
    ...[`${ADMIN}/reindex`, `${ADMIN}/duplicates/merge`, `${ADMIN}/duplicates/1/review`],
  ];
  const boundary = 'x-boundary-x';
  const form = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const part = (head: string, content = 'a'): string =>
    `--${boundary}\r\n${head}\r\n\r\n${content}\r\n`;
  const end = `--${boundary}--\r\n`;
  const image = 'Content-Disposition: form-data; name="image"; filename="a.png"';

  const bodies: [Record<string, string>, string | Buffer][] = [
    ...[
      '{',
      '{"text":',
      '[',
      'dog',
      '"dog"',
      '1',
      'null',
      '',
      '{"text":"dog"}}',
      '\u0000',
      '{"a":1,}',
    ].map((body): [Record<string, string>, string] => [json, body]),
    ...['[]', '[1]', '{"__proto__":{"text":"dog"}}', '{"constructor":1}', '{"toString":1}'].map(
      (body): [Record<string, string>, string] => [json, body],
    ),
    [json, Buffer.from([0xff, 0xfe, 0x00])],
    [json, `{"text":"${'x'.repeat(2_000_000)}"}`],
    [json, `{"a":${'['.repeat(100_000)}`],
    [{ ...json, 'content-encoding': 'gzip' }, '{"text":"dog"}'],
    [{ ...json, 'content-encoding': 'nonsense' }, '{"text":"dog"}'],
    [{}, '{"text":"dog"}'],
    [{ 'content-type': '' }, '{"text":"dog"}'],
    [{ 'content-type': 'application/xml' }, '<text>dog</text>'],
    [{ 'content-type': 'text/xml' }, '<text>dog</text>'],
    [{ 'content-type': 'text/plain' }, 'dog'],
    [{ 'content-type': 'application/octet-stream' }, Buffer.alloc(1_000)],
    [{ 'content-type': 'image/png' }, Buffer.alloc(1_000)],
    [{ 'content-type': 'nonsense' }, 'dog'],
    [{ 'content-type': 'multipart/form-data' }, 'dog'],
    [{ 'content-type': 'multipart/form-data; boundary=' }, 'dog'],
    [{ 'content-type': `multipart/form-data; boundary=${'b'.repeat(500)}` }, 'dog'],
    [{ 'content-type': 'multipart/mixed; boundary=x' }, '--x--'],
    [form, ''],
    [form, 'nonsense'],
    [form, end],
    [form, `--${boundary}`],
    [form, part('')],
    [form, part('Content-Disposition: form-data') + end],
    [form, part('Content-Disposition: nonsense; name=text') + end],
    [form, part('Content-Disposition: form-data; name="text"')],
    [form, part('Content-Disposition: form-data; name="text"').slice(0, -12)],
    [form, part('no colon here') + end],
    [form, part(`${image}\r\nContent-Type: image/png`)],
    [form, part(`${image}\r\nContent-Type: image/png`, 'not an image') + end],
    [form, part(image, 'not an image') + end],
    [form, part(image, '') + end],
    [form, part(image) + part(image) + end],
    [form, part(`${image.replace('image', 'photo')}\r\nContent-Type: image/png`) + end],
    [form, part('Content-Disposition: form-data; name="__proto__"') + end],
    [form, part('Content-Disposition: form-data; name="filters[toString]"') + end],
    [form, part('Content-Disposition: form-data; name="filters"', '{"__proto__":1}') + end],
    [form, part('Content-Disposition: form-data; name="filters"', '{') + end],
    [form, part('Content-Disposition: form-data; name="pagination[limit]"', '1e400') + end],
    [form, part(`X-Long: ${'x'.repeat(100_000)}`) + end],
    [form, part('Content-Disposition: form-data; name="text"', 'x'.repeat(200_000)) + end],
    [
      form,
      Array.from({ length: 2_000 }, (_, index) =>
        part(`Content-Disposition: form-data; name="a${String(index)}"`),
      ).join('') + end,
    ],
    [
      form,
      part(`${image}\r\nContent-Transfer-Encoding: base64\r\nContent-Type: image/png`, '!!!') + end,
    ],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'text=%ff&text[a]=b'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'filters[toString]=1'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, '%'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, `a=${'x'.repeat(200_000)}`],
  ];

  it.each(posts)('of %s', async (path) => {
    const requests = bodies.map(([headers, body]): HostileRequest => ({
      method: 'POST',
      path,
      headers,
      body,
      isWrong: true,
    }));
    expect(await problemsOf(requests)).toEqual([]);
  });

  it.each([CONTENT, ADMIN])('over the limit of images, of %s/search', async (prefix) => {
    const bytes = Buffer.alloc(21_000_000, 1);
    const head = Buffer.from(`--${boundary}\r\n${image}\r\nContent-Type: image/png\r\n\r\n`);
    const body = Buffer.concat([head, bytes, Buffer.from(`\r\n${end}`)]);
    const answer = await send({ method: 'POST', path: `${prefix}/search`, headers: form, body });
    expect(answer.status).toBe(413);
    expect(errorSchema.parse(toJson(answer.text)).error.message).toMatch(/^image: has \d+ bytes/);
  });

  it('leave a process that still answers', async () => {
    const { status } = await app.request.get(`${CONTENT}/search`).query({ text: 'dog' });
    expect(status).toBe(200);
    expect((await app.readStatus()).provider.ok).toBe(true);
  });
});
