import { spawn } from 'node:child_process';
import path from 'node:path';
import packageJson from '../../package.json';
import { repositoryFolder } from './paths';
import { appFolder, createAppEnvironment } from './strapi-environment';

export interface CommandEnd {
  code: number | null;
  output: string;
  errors: string;
}

export interface RunningCommand {
  interrupt(): void;
  readonly end: Promise<CommandEnd>;
}

/** Starts the package's program in the folder of the test app, as `npx` would. */
export function startCommand(options: {
  given: readonly string[];
  dataFolder: string;
  vectors?: Record<string, unknown>;
  env?: Record<string, string>;
  folder?: string;
}): RunningCommand {
  const { given, dataFolder, vectors = {}, env = {}, folder = appFolder } = options;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('QDRANT_'));
  const program = path.join(repositoryFolder, packageJson.bin);
  const child = spawn(process.execPath, [program, ...given], {
    cwd: folder,
    env: {
      ...Object.fromEntries(inherited),
      ...createAppEnvironment({ dataFolder, imageSearch: { vectors }, env }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return {
    interrupt: () => child.kill('SIGINT'),
    end: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        resolve({
          code,
          output: String(Buffer.concat(output)),
          errors: String(Buffer.concat(errors)),
        });
      });
    }),
  };
}
