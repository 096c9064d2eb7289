import { z } from 'zod';
import { toUnitVector } from '../vectors';
import { badAnswer } from './failures';

const answerSchema = z.object({
  data: z.array(z.object({ index: z.int(), embedding: z.array(z.number()) })),
});

export interface ExpectedAnswer {
  /** Host and port, for messages. */
  host: string;
  /** What was embedded. */
  kind: 'picture' | 'text';
  count: number;
  dimensions: number;
}

/**
 * The parsed body of a 200 answer → one unit vector per input, in input order whatever the order of the answer.
 *
 * @throws ImageSearchError `provider-bad-answer` unless there is exactly one good vector for every input.
 */
export function readEmbeddings(answer: unknown, expected: ExpectedAnswer): Float32Array[] {
  const { host, kind, count, dimensions } = expected;
  if (typeof answer === 'string') throw badAnswer(`${host} answered something that is not JSON.`);
  const result = answerSchema.safeParse(answer);
  if (!result.success) throw badAnswer(describeMisfit(host, result.error));
  const { data } = result.data;
  const byIndex = new Map(data.map(({ index, embedding }) => [index, embedding]));
  if (data.length !== count || byIndex.size !== count) {
    throw badAnswer(
      `${host} answered ${String(data.length)} vectors for ${String(byIndex.size)} places where ${String(count)} were asked for.`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const values = byIndex.get(index);
    const what = `The vector of ${kind} ${String(index + 1)} from ${host}`;
    if (values === undefined) throw badAnswer(`${what} is missing.`);
    if (values.length !== dimensions) {
      throw badAnswer(
        `${what} has ${String(values.length)} values instead of ${String(dimensions)}: check embedding.dimensions and embedding.model.`,
      );
    }
    return toUnitVector(values, dimensions, what);
  });
}

/** Says where, never what: an answer's values do not belong in a log. */
function describeMisfit(host: string, { issues }: z.ZodError): string {
  const place = issues[0]?.path.map(String).join('.') ?? '';
  return `${host} answered JSON of another shape than an embeddings API${place === '' ? '' : `, first at ${place}`}.`;
}
