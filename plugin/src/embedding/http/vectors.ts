import { toUnitVector } from '../vectors';
import type { ApiAnswer } from './api';
import { badAnswer } from './failures';

export interface ExpectedVectors {
  /** Host and port, for messages. */
  host: string;
  /** What was embedded. */
  kind: 'picture' | 'text';
  count: number;
  dimensions: number;
  /** For messages. */
  requestSettings: string;
}

/**
 * What a server answered → one unit vector per input, in input order whatever the order of the answer.
 *
 * @throws ImageSearchError `provider-bad-answer` unless there is exactly one good vector for every input.
 */
export function toUnitVectors(
  answered: ApiAnswer['vectors'],
  expected: ExpectedVectors,
): Float32Array[] {
  const { host, kind, count, dimensions, requestSettings } = expected;
  const byIndex = new Map(answered.map(({ index, values }) => [index, values]));
  if (answered.length !== count || byIndex.size !== count) {
    throw badAnswer(
      `${host} answered ${String(answered.length)} vectors for ${String(byIndex.size)} places where ${String(count)} were asked for.`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const values = byIndex.get(index);
    const what = `The vector of ${kind} ${String(index + 1)} from ${host}`;
    if (values === undefined) throw badAnswer(`${what} is missing.`);
    if (values.length !== dimensions) {
      throw badAnswer(
        `${what} has ${String(values.length)} values instead of ${String(dimensions)}: check ${requestSettings}.`,
      );
    }
    return toUnitVector(values, dimensions, what);
  });
}
