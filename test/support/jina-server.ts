import {
  startEmbeddingServer,
  type EmbeddingServer,
  type Fault as FaultOf,
} from './embedding-server';
import type { ListAnswer } from './vendors/double';
import { jinaDouble, type JinaModel } from './vendors/jina';

export type Fault = FaultOf<ListAnswer>;
export type JinaServer = EmbeddingServer<ListAnswer>;

/** Jina's embeddings API on this machine. */
export function startJinaServer(options: {
  apiKey: string;
  /** The only model that is served, under its documented name and rules. */
  model: JinaModel;
  /** Length of its vectors when a request asks for none; shorter ones are cut from it (Matryoshka). */
  dimensions: number;
  /** A text that is refused. */
  refusedText?: string;
}): Promise<JinaServer> {
  const { model, ...rest } = options;
  return startEmbeddingServer({ vendor: jinaDouble(model, options.dimensions), ...rest });
}

/** Texts in the body of a request. */
export function textsIn(body: unknown): string[] {
  const { input } = (body ?? {}) as { input?: unknown };
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown) => {
    const { text } = (item ?? {}) as { text?: unknown };
    return typeof text === 'string' ? [text] : [];
  });
}
