import { ImageSearchError } from '../../errors';

/** Of the client, and of the server that the product is tested with. */
const KNOWN = { major: 1, minor: 18 };
/** The first version that keeps metadata of a collection, by which the product knows its own. */
const OLDEST = { major: 1, minor: 16 };
/** The client's makers promise that versions so many minor steps apart get on. */
const COMPATIBLE_STEPS = 1;

/** @throws ImageSearchError when the server is too old for the product */
export function assertSupported(version: string, server: string): void {
  const parsed = parse(version);
  if (parsed === null || isAtLeast(parsed, OLDEST)) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message:
      `Qdrant at ${server} has version ${version}, and version ${describe(OLDEST)} or newer is needed. ` +
      'Update Qdrant.',
    retryable: false,
  });
}

/** What an operator should know of this version; null for nothing. */
export function findMismatch(version: string, server: string): string | null {
  const parsed = parse(version);
  const isCompatible =
    parsed?.major === KNOWN.major && Math.abs(parsed.minor - KNOWN.minor) <= COMPATIBLE_STEPS;
  if (isCompatible) return null;
  return (
    `Qdrant at ${server} has version ${version}, and the client is made for ${describe(KNOWN)}: ` +
    'they may misunderstand each other.'
  );
}

interface Version {
  major: number;
  minor: number;
}

function parse(version: string): Version | null {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]) };
}

function isAtLeast(version: Version, least: Version): boolean {
  return (
    version.major > least.major || (version.major === least.major && version.minor >= least.minor)
  );
}

function describe({ major, minor }: Version): string {
  return `${String(major)}.${String(minor)}`;
}
