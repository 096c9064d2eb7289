import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { AdminCredentials } from '../../test/support/strapi-client';

const credentialsSchema = z.object({ email: z.string(), password: z.string() });

/** The demo's account, generated on the first run and stored in the data folder. */
export async function readAdministrator(dataFolder: string): Promise<AdminCredentials> {
  const file = path.join(dataFolder, 'administrator.json');
  try {
    return credentialsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Strapi requires a lowercase letter, an uppercase letter and a digit.
  const administrator = {
    email: 'demo@example.com',
    password: `Demo-1-${randomBytes(9).toString('base64url')}`,
  };
  await writeFile(file, JSON.stringify(administrator), { mode: 0o600 });
  return administrator;
}
