import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const names = ['npm', 'pnpm', 'yarn'] as const;
export type PackageManagerName = (typeof names)[number];

/** The commands of the package manager that a project uses, for messages that say what to run. */
export interface PackageManager {
  readonly name: PackageManagerName;
  /** As far as it is known, such as `10.4.1`. */
  readonly version: string | null;
  /** Adds packages to the project: `npm install sharp`. */
  install(...packages: string[]): string;
  /** Builds the native parts of an installed package where its install script didn't run: `pnpm approve-builds`. */
  build(packageName: string): string;
  /** Runs a program of an installed package: `npx strapi-plugin-image-search doctor`. */
  execute(command: string): string;
}

/**
 * Finds a project's package manager: the one that its package.json names, else the one whose lock file it has (its own,
 * or that of the workspace around it), else the one that started this process, else npm.
 *
 * @param environment for `npm_config_user_agent`, which every package manager sets
 */
export function detectPackageManager(
  projectFolder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): PackageManager {
  const running = parse(environment['npm_config_user_agent'] ?? '', '/');
  const found = findInProject(projectFolder);
  if (found === null) return createManager(running ?? { name: 'npm', version: null });
  const { name, version } = found;
  // A lock file doesn't tell the version; the running package manager does if it's the same one.
  return createManager({
    name,
    version: version ?? (running?.name === name ? running.version : null),
  });
}

/**
 * Loads a package of the project, or else the one beside this plugin.
 *
 * @throws whatever loading it throws; see `isPackageMissing`
 */
export function requirePackage(name: string, projectFolder: string): unknown {
  const ofProject = createRequire(path.join(projectFolder, 'package.json'));
  try {
    return ofProject(name);
  } catch (error) {
    if (!isPackageMissing(error)) throw error;
    return createRequire(import.meta.url)(name);
  }
}

export function isPackageMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'MODULE_NOT_FOUND';
}

type Identity = Pick<PackageManager, 'name' | 'version'>;

const lockFiles: readonly [string, PackageManagerName][] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

function findInProject(projectFolder: string): Identity | null {
  const parent = path.dirname(projectFolder);
  const field = readPackageManagerField(path.join(projectFolder, 'package.json'));
  const named = parse(field, '@');
  if (named !== null) return named;
  const lock = lockFiles.find(([file]) => existsSync(path.join(projectFolder, file)));
  if (lock !== undefined) return { name: lock[1], version: null };
  return parent === projectFolder ? null : findInProject(parent);
}

/** Empty for a package.json that is missing, unreadable or doesn't say. */
function readPackageManagerField(file: string): string {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as { packageManager?: unknown } | null;
    return typeof content?.packageManager === 'string' ? content.packageManager : '';
  } catch {
    return '';
  }
}

/** `pnpm@10.4.1+sha512…` or `npm/11.0.0 node/v22.0.0 …`. */
function parse(text: string, separator: '@' | '/'): Identity | null {
  const [word = '', rest = ''] = text.split(separator);
  const name = names.find((each) => each === word);
  if (name === undefined) return null;
  return { name, version: /^\d+(\.\d+)*/.exec(rest)?.[0] ?? null };
}

/** pnpm builds only what the project has approved; npm and Yarn build everything unless that is turned off. */
function createManager({ name, version }: Identity): PackageManager {
  // Yarn 1 can't rebuild a single package, but npm can, even if Yarn installed it.
  const isYarnClassic = name === 'yarn' && version?.startsWith('1.') === true;
  const builder = isYarnClassic ? 'npm' : name;
  return {
    name,
    version,
    install: (...packages) => `${name} ${name === 'npm' ? 'install' : 'add'} ${packages.join(' ')}`,
    build: (packageName) =>
      ({
        npm: `npm rebuild ${packageName} --ignore-scripts=false`,
        pnpm: 'pnpm approve-builds',
        yarn: `yarn rebuild ${packageName}`,
      })[builder],
    execute: (command) => `${{ npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn' }[name]} ${command}`,
  };
}
