import { setTimeout as wait } from 'node:timers/promises';
import supertest from 'supertest';
import type TestAgent from 'supertest/lib/agent';
import { statusResponseSchema, type StatusResponse } from '../../plugin/src/contracts/management';

export interface AdminCredentials {
  email: string;
  password: string;
}

/** The super administrator of every test app. */
export const testAdministrator: AdminCredentials = {
  email: 'admin@example.com',
  password: 'Test-Administrator-1',
};

export interface UploadedFile {
  id: number;
  name: string;
  url: string;
  mime: string;
  hash: string;
}

export type IndexStatus = StatusResponse['data'];

/** What tests do to a running Strapi over HTTP, whether it runs in this process or in another. */
export interface StrapiClient {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly request: TestAgent;
  /** Signs in, once for each account; registers the super administrator on first use. */
  adminToken(credentials?: AdminCredentials): Promise<string>;
  uploadThroughAdmin(bytes: Buffer, fileName: string): Promise<UploadedFile>;
  /** Needs `plugin::upload.content-api.upload`, by the public role or by the API token given. */
  uploadThroughContentApi(
    bytes: Buffer,
    fileName: string,
    apiToken?: string,
  ): Promise<UploadedFile>;
  readStatus(): Promise<IndexStatus>;
  /** Resolves when every image of the library is indexed, skipped or failed; rejects after `timeoutMs`. */
  waitUntilIndexed(options?: { timeoutMs?: number }): Promise<IndexStatus>;
}

const POLL_INTERVAL_MS = 50;

/** @param administrator the account behind calls that need one; `testAdministrator` if not given. */
export function createStrapiClient(url: string, administrator = testAdministrator): StrapiClient {
  const request = supertest(url);
  const tokens = new Map<string, string>();

  async function adminToken(credentials = administrator): Promise<string> {
    const known = tokens.get(credentials.email);
    if (known !== undefined) return known;
    const token = await signIn(request, credentials);
    tokens.set(credentials.email, token);
    return token;
  }

  async function readStatus(): Promise<IndexStatus> {
    let response = await requestStatus();
    if (response.status === 401) {
      // Strapi's tokens live for half an hour.
      tokens.clear();
      response = await requestStatus();
    }
    if (response.status !== 200) {
      throw new Error(`The status answered ${String(response.status)}.`);
    }
    return statusResponseSchema.parse(response.body).data;
  }

  async function requestStatus(): Promise<supertest.Response> {
    const token = await adminToken();
    return await request.get('/image-search/status').auth(token, { type: 'bearer' });
  }

  return {
    url,
    request,
    adminToken,
    readStatus,
    async uploadThroughAdmin(bytes, fileName) {
      const response = await request
        .post('/upload')
        .auth(await adminToken(), { type: 'bearer' })
        .attach('files', bytes, fileName);
      return onlyFile(response);
    },
    async uploadThroughContentApi(bytes, fileName, apiToken) {
      const upload = request.post('/api/upload').attach('files', bytes, fileName);
      if (apiToken !== undefined) void upload.auth(apiToken, { type: 'bearer' });
      return onlyFile(await upload);
    },
    async waitUntilIndexed({ timeoutMs = 60_000 } = {}) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const status = await readStatus();
        if (isIndexed(status)) return status;
        if (Date.now() > deadline) {
          throw new Error(`Not indexed after ${String(timeoutMs)} ms: ${JSON.stringify(status)}`);
        }
        await wait(POLL_INTERVAL_MS);
      }
    },
  };
}

/** Whether nothing is left to do: every image of the library has its entry, and none is due or under way. */
export function isIndexed({ counts, total, isReconciling }: IndexStatus): boolean {
  const settled = counts.indexed + counts.skipped + counts.failed;
  return !isReconciling && counts.pending + counts.indexing === 0 && settled >= total;
}

async function signIn(request: TestAgent, { email, password }: AdminCredentials): Promise<string> {
  const login = await request.post('/admin/login').send({ email, password });
  if (login.status === 200) return readToken(login.body);
  const registration = await request
    .post('/admin/register-admin')
    .send({ email, password, firstname: 'Test', lastname: 'Administrator' });
  if (registration.status === 200) return readToken(registration.body);
  throw new Error(
    `Cannot sign in as ${email}: login ${String(login.status)}, registration ${String(registration.status)}.`,
  );
}

function readToken(body: unknown): string {
  const { data } = body as { data: { token: string } };
  return data.token;
}

function onlyFile({ status, body }: { status: number; body: unknown }): UploadedFile {
  if (status !== 200 && status !== 201) {
    throw new Error(`The upload answered ${String(status)}: ${JSON.stringify(body)}`);
  }
  const [file] = body as UploadedFile[];
  if (!file) throw new Error('The upload answered no file.');
  return file;
}
