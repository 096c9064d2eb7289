import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { QdrantExchange } from './qdrant-proxy';
import { startStoppableServer, type StoppableServer } from './stoppable-server';

/** Longer request bodies are recorded by their hash: equal is all that they must be. */
const LONGEST_BODY_KEPT = 2_000;

const lineSchema = z.strictObject({
  /** Of the test that this belongs to. */
  session: z.string(),
  /** Method, path with query, and body (or its hash). */
  request: z.string(),
  status: z.int(),
  answer: z.string(),
});

type RecordedLine = z.output<typeof lineSchema>;

/** The exchange of each session, in order. */
export type QdrantRecording = ReadonlyMap<string, readonly RecordedLine[]>;

export async function readRecording(file: string): Promise<QdrantRecording> {
  const lines = gunzipSync(await readFile(file))
    .toString()
    .split('\n');
  const recorded = lines
    .filter((line) => line !== '')
    .map((line) => lineSchema.parse(JSON.parse(line)));
  const sessions = new Map<string, RecordedLine[]>();
  for (const line of recorded) {
    sessions.set(line.session, [...(sessions.get(line.session) ?? []), line]);
  }
  return sessions;
}

/** Collects exchanges with a real server; `save` writes them, the same ones always to the same bytes. */
export function createRecorder() {
  const lines: RecordedLine[] = [];
  return {
    add(session: string, exchange: QdrantExchange): void {
      const { status, answer } = exchange;
      lines.push({ session, request: describe(exchange), status, answer: withoutChance(answer) });
    },
    async save(file: string): Promise<void> {
      await mkdir(path.dirname(file), { recursive: true });
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      await writeFile(file, gzipSync(text, { level: 9 }));
    },
  };
}

export interface QdrantReplay extends StoppableServer {
  /** What was asked and not recorded, and what was recorded and not asked; empty when all is well. */
  differences(): string[];
}

/**
 * Plays one recorded session: equal requests are answered in the recorded order, each recorded answer is given once,
 * and a request that is not recorded fails.
 */
export async function startReplay(lines: readonly RecordedLine[]): Promise<QdrantReplay> {
  const open = [...lines];
  const unknown: string[] = [];
  const server = await startStoppableServer((request, response) => {
    void readText(request).then((body) => {
      const asked = describe({ method: request.method ?? '', address: request.url ?? '', body });
      const index = open.findIndex((line) => line.request === asked);
      const [line] = index < 0 ? [] : open.splice(index, 1);
      if (line === undefined) unknown.push(`asked, not recorded: ${asked}`);
      response
        .writeHead(line?.status ?? 500, { 'content-type': 'application/json' })
        .end(line?.answer ?? '{"status":{"error":"This request is not recorded."}}');
    });
  });
  return {
    ...server,
    differences: () => [...unknown, ...open.map((line) => `recorded, not asked: ${line.request}`)],
  };
}

function describe({ method, address, body }: Pick<QdrantExchange, 'method' | 'address' | 'body'>) {
  const shown =
    body.length <= LONGEST_BODY_KEPT
      ? body
      : `sha256 ${createHash('sha256').update(body).digest('hex')}, ${String(body.length)} characters`;
  return `${method} ${address} ${shown}`.trim();
}

/** How long an answer took, what it has cost and the order of its keys are different each time. */
const envelopeSchema = z.looseObject({ time: z.number(), usage: z.unknown().optional() });

function withoutChance(answer: string): string {
  const parsed = envelopeSchema.safeParse(parseJson(answer));
  if (!parsed.success) return answer;
  return JSON.stringify({ ...parsed.data, time: 0, usage: undefined }, sortKeys);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value) as [string, unknown][];
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
