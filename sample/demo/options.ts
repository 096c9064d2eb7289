import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DemoFailure } from './failure';

export interface DemoOptions {
  host: string;
  port: number;
  /** Contains everything that the demo writes, except the built panel. */
  dataFolder: string;
  /** Replaces the sample model: a name, or the absolute path of a folder. */
  model: string | undefined;
  /** Start from an empty library. */
  isReset: boolean;
}

const DEFAULT_PORT = 1337;
const HIGHEST_PORT = 65_535;

export function readOptions(given: readonly string[], appFolder: string): DemoOptions {
  const { model, reset } = parseFlags(given);
  const chosenModel = model ?? process.env.CLIP_MODEL;
  return {
    host: process.env.HOST ?? '127.0.0.1',
    port: parsePort(process.env.PORT),
    dataFolder: path.resolve(appFolder, process.env.APP_DATA_FOLDER ?? '.data'),
    model: chosenModel ? resolveModel(chosenModel) : undefined,
    isReset: reset,
  };
}

function parseFlags(given: readonly string[]): { model?: string | undefined; reset: boolean } {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: { model: { type: 'string' }, reset: { type: 'boolean', default: false } },
    });
    return values;
  } catch (error) {
    throw new DemoFailure(
      `${(error as Error).message}\nUsage: npm run demo -- [--reset] [--model <name or folder>]`,
    );
  }
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= HIGHEST_PORT) return port;
  throw new DemoFailure(`PORT must be a number from 1 to ${String(HIGHEST_PORT)}, not "${text}".`);
}

/** A folder is relative to where the user ran npm. Anything else is the name of a model. */
function resolveModel(model: string): string {
  const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), model);
  if (existsSync(folder)) return folder;
  if (!model.startsWith('.') && !path.isAbsolute(model)) return model;
  throw new DemoFailure(
    `--model: the folder ${folder} doesn't exist. Use a folder that contains a model, or the name of a model on the Hugging Face Hub, such as Xenova/clip-vit-base-patch32.`,
  );
}
