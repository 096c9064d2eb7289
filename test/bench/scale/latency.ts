import { quantile, timed } from '../measurement';

/** What a query takes, in milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
}

export type Ask = (position: number) => Promise<unknown>;

const ROUNDS = 3;

/** Asks `queries` questions in each of three rounds, `clients` of them under way at a time; each asker in its turn. */
export async function measureLatencies(
  { clients, queries }: { clients: number; queries: number },
  askers: readonly Ask[],
): Promise<Latency[]> {
  const times = askers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [position, ask] of askers.entries()) {
      times[position]?.push(...(await askAll(queries, clients, ask)));
    }
  }
  return times.map((values) => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95) }));
}

async function askAll(queries: number, clients: number, ask: Ask): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < queries) {
      const position = next;
      next += 1;
      times.push((await timed(() => ask(position))).milliseconds);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times;
}
