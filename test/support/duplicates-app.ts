import { expect } from '@jest/globals';
import type { Response } from 'supertest';
import {
  duplicatesResponseSchema,
  type DuplicatesResponse,
} from '../../plugin/src/contracts/duplicates';
import type { DuplicatePair } from '../../plugin/src/duplicates/contract';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { findings, verdicts } from '../conformance/duplicate-pairs/situations';
import { bareTrace } from './duplicate-world';
import { startMergingApp, type MergingApp } from './merging-app';
import { productOf } from './search-app';
import type { RolePermission } from './strapi-accounts';
import type { StartOptions } from './strapi-app';
import { testAdministrator, type AdminCredentials } from './strapi-client';

export const DUPLICATES = { action: 'plugin::image-search.duplicates' };
export const READ = { action: 'plugin::upload.read' };
export const READ_OWN = { ...READ, conditions: ['admin::is-creator'] };

/** A Strapi in which pairs are put on record by hand: nothing is indexed. */
export interface DuplicatesApp extends MergingApp {
  /** Requests as an administrator; as the super administrator when none is named. */
  get(path: string, credentials?: AdminCredentials): Promise<Response>;
  post(path: string, body: object, credentials?: AdminCredentials): Promise<Response>;
  /** An administrator who may do only this. */
  editorWith(...permissions: RolePermission[]): Promise<AdminCredentials & { id: number }>;
  /** New files, in this number. */
  uploadFiles(count: number): Promise<number[]>;
  /** Says that the file is a duplicate of the others; answers its pair with the first. */
  record(
    fileId: number,
    otherIds: readonly number[],
    options?: Parameters<typeof findings>[2],
  ): Promise<DuplicatePair>;
}

export { verdicts };

/** A page of groups; fails if it has fields that the contract doesn't name. */
export function dataOf({ body, status }: Response): DuplicatesResponse {
  expect(status).toBe(200);
  const parsed = duplicatesResponseSchema.parse(body);
  expect(body).toEqual(parsed);
  return parsed;
}

/** The files of each group of a page. */
export function groupsIn(response: Response): number[][] {
  return dataOf(response).data.map(({ files }) => files.map(({ id }) => id));
}

export async function startDuplicatesApp(options: StartOptions = {}): Promise<DuplicatesApp> {
  const app = await startMergingApp(options);
  let accounts = 0;
  const tokenOf = async (credentials = testAdministrator): Promise<string> =>
    `Bearer ${await app.adminToken(credentials)}`;
  return {
    ...app,
    get: async (path, credentials) =>
      app.request.get(`/image-search/${path}`).set('authorization', await tokenOf(credentials)),
    post: async (path, body, credentials) =>
      app.request
        .post(`/image-search/${path}`)
        .set('authorization', await tokenOf(credentials))
        .send(body),
    async editorWith(...permissions) {
      accounts += 1;
      const credentials = {
        email: `editor-${String(accounts)}@example.com`,
        password: 'Editor-Pass-1',
      };
      const { id } = await app.createRestrictedAdmin({ ...credentials, permissions });
      return { ...credentials, id };
    },
    async uploadFiles(count) {
      const variants = Array.from({ length: count }, () => ({
        width: 40,
        format: 'png' as const,
      }));
      return (await app.uploadCopies(...variants)).map(({ id }) => id);
    },
    async record(fileId, otherIds, found) {
      const { pairs } = productOf(app);
      await pairs.record([findings(fileId, otherIds, found)]);
      const [first = 0] = otherIds;
      const touching = await pairs.pairsTouching({ fileIds: [fileId], limit: 1_000 });
      const pair = touching.find(({ fileA, fileB }) => [fileA, fileB].includes(first));
      if (!pair) throw new Error('The pair was not put on record.');
      const { contentHashA, contentHashB, fileA, fileB } = pair;
      await createImageTraces(app.strapi).put([
        { ...bareTrace(contentHashA), fileId: fileA },
        { ...bareTrace(contentHashB), fileId: fileB },
      ]);
      return pair;
    },
  };
}
