import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createStrapiClient, type StrapiClient } from './strapi-client';
import { appFolder, createAppEnvironment, type AppSettings } from './strapi-environment';

/** A Strapi in a separate process, which can be killed. */
export interface StrapiProcess extends StrapiClient {
  readonly child: ChildProcess;
  /** Everything it wrote so far, both streams. */
  output(): string;
  /** When it ends by itself. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves when the process is gone, at once if it is already. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<ProcessEnd>;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Resolves once it listens; rejects with its output when it ends before that. `servePanel` needs the panel built. */
export async function spawnStrapi({
  servePanel = false,
  folder = appFolder,
  ...settings
}: AppSettings & {
  servePanel?: boolean;
  /** Of another app than the usual one. */
  folder?: string;
}): Promise<StrapiProcess> {
  const written: Buffer[] = [];
  const output = (): string => Buffer.concat(written).toString();
  const child = fork(path.join(appFolder, 'start.js'), {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      APP_FOLDER: folder,
      APP_SERVE_PANEL: String(servePanel),
      ...createAppEnvironment(settings),
    },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.stdout?.on('data', (chunk: Buffer) => written.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => written.push(chunk));
  const end = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const port = await Promise.race([
    new Promise<number>((resolve) => {
      child.once('message', (message) => {
        resolve((message as { port: number }).port);
      });
    }),
    end.then(({ code, signal }) => {
      throw new Error(
        `Strapi ended with ${String(code ?? signal)} before it listened:\n${output()}`,
      );
    }),
  ]);
  return {
    ...createStrapiClient(`http://127.0.0.1:${String(port)}`),
    child,
    output,
    ended: end,
    kill: async (signal) => {
      child.kill(signal);
      return await end;
    },
  };
}
