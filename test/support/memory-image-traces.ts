import {
  MAX_REFUTED,
  type ComparedFile,
  type FileTrace,
  type ImageTraces,
} from '../../plugin/src/duplicates/contract';
import { FingerprintIndex, fingerprintsOf } from '../../plugin/src/duplicates/fingerprint-index';
import type { ImageTrace } from '../../plugin/src/matching/contract';

interface Row {
  trace: FileTrace;
  pass: string | null;
  recognizedBy: string | null;
}

/** The traces in memory: every method changes them in one synchronous step. */
export class MemoryImageTraces implements ImageTraces {
  readonly #rows = new Map<number, Row>();
  readonly #refuted = new Map<string, string[]>();
  /** Built when it is first needed after a change. */
  #fingerprints: FingerprintIndex | null = null;
  /** Files whose traces were written, one after the other. */
  readonly written: number[] = [];
  /** Runs before anything is read or written; what it throws the call fails with. */
  onCall: () => void = () => undefined;

  async put(traces: readonly FileTrace[]): Promise<void> {
    await this.#answer();
    this.#fingerprints = null;
    for (const trace of traces) {
      this.#rows.set(trace.fileId, {
        trace: structuredClone(trace),
        pass: null,
        recognizedBy: null,
      });
      this.written.push(trace.fileId);
    }
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    await this.#answer();
    this.#fingerprints = null;
    for (const fileId of fileIds) {
      this.#rows.delete(fileId);
      for (const key of this.#refuted.keys()) {
        if (key.startsWith(`${String(fileId)} `)) this.#refuted.delete(key);
      }
    }
  }

  async get(fileIds: readonly number[]): Promise<FileTrace[]> {
    await this.#answer();
    return [...new Set(fileIds)].flatMap((fileId) => {
      const row = this.#rows.get(fileId);
      if (!row) return [];
      const trace = structuredClone(row.trace);
      delete trace.text;
      return [trace];
    });
  }

  async textsOf(fileIds: readonly number[]): Promise<Map<number, string>> {
    await this.#answer();
    const texts = [...new Set(fileIds)].flatMap((fileId): [number, string][] => {
      const text = this.#rows.get(fileId)?.trace.text;
      return text === undefined ? [] : [[fileId, text]];
    });
    return new Map(texts);
  }

  async listIds(cursor: number | null, limit: number) {
    await this.#answer();
    const ids = this.#ids(({ trace }) => trace.fileId > (cursor ?? -Infinity)).slice(0, limit);
    return { ids, nextCursor: ids.length === limit ? (ids.at(-1) ?? null) : null };
  }

  async withContentHash(contentHash: string, limit: number): Promise<number[]> {
    await this.#answer();
    return this.#ids(({ trace }) => trace.contentHash === contentHash).slice(0, limit);
  }

  async sharingTiles(image: ImageTrace, limit: number): Promise<number[]> {
    await this.#answer();
    this.#fingerprints ??= this.#indexFingerprints();
    return this.#fingerprints.sharingTiles(fingerprintsOf(image), limit);
  }

  async markCompared(
    files: readonly { fileId: number; contentHash: string }[],
    pass: string,
  ): Promise<void> {
    await this.#answer();
    for (const { fileId, contentHash } of files) {
      const row = this.#rows.get(fileId);
      if (row?.trace.contentHash === contentHash) row.pass = pass;
    }
  }

  async markFailed(fileIds: readonly number[], pass: string): Promise<number> {
    await this.#answer();
    const rows = [...new Set(fileIds)].flatMap((fileId) => this.#rows.get(fileId) ?? []);
    for (const row of rows) row.pass = pass;
    return rows.length;
  }

  async unmark(fileIds: readonly number[]): Promise<void> {
    await this.#answer();
    for (const fileId of fileIds) {
      const row = this.#rows.get(fileId);
      if (row) row.pass = null;
    }
  }

  async notCompared(pass: string, limit: number): Promise<number[]> {
    await this.#answer();
    return this.#ids((row) => row.pass !== pass).slice(0, limit);
  }

  async notRecognized(
    reader: string,
    { after, limit }: { after: number; limit: number },
  ): Promise<number[]> {
    await this.#answer();
    const ids = this.#ids((row) => row.recognizedBy !== reader);
    return ids
      .filter((id) => id > after)
      .sort((one, other) => one - other)
      .slice(0, limit);
  }

  async markRecognized(
    { contentHash, fileId }: ComparedFile,
    { reader, text }: { reader: string; text?: string },
  ): Promise<void> {
    await this.#answer();
    const row = this.#rows.get(fileId);
    if (row?.trace.contentHash !== contentHash) return;
    row.recognizedBy = reader;
    if (text === undefined) return;
    if (text === '') delete row.trace.text;
    else row.trace.text = text;
  }

  async rememberRefuted(
    { contentHash, fileId }: ComparedFile,
    contentHashes: readonly string[],
    version: number,
  ): Promise<void> {
    await this.#answer();
    if (this.#rows.get(fileId)?.trace.contentHash !== contentHash) return;
    const key = `${String(fileId)} ${contentHash} ${String(version)}`;
    const hashes = new Set([...contentHashes, ...(this.#refuted.get(key) ?? [])]);
    this.#refuted.set(key, [...hashes].slice(0, MAX_REFUTED));
  }

  async refutedAmong(
    file: ComparedFile,
    others: readonly ComparedFile[],
    version: number,
  ): Promise<Set<number>> {
    await this.#answer();
    const refutes = (one: ComparedFile, other: ComparedFile): boolean => {
      const key = `${String(one.fileId)} ${one.contentHash} ${String(version)}`;
      return this.#refuted.get(key)?.includes(other.contentHash) === true;
    };
    const refuted = others.filter((other) => refutes(file, other) || refutes(other, file));
    return new Set(refuted.map(({ fileId }) => fileId));
  }

  async counts(pass: string): Promise<{ total: number; compared: number }> {
    await this.#answer();
    const compared = this.#ids((row) => row.pass === pass).length;
    return { total: this.#rows.size, compared };
  }

  #indexFingerprints(): FingerprintIndex {
    const index = new FingerprintIndex();
    for (const { trace } of this.#rows.values()) index.add(trace.fileId, fingerprintsOf(trace));
    return index;
  }

  /** As every real repository, it answers later, never within the call. */
  async #answer(): Promise<void> {
    await Promise.resolve();
    this.onCall();
  }

  #ids(isMeant: (row: Row) => boolean): number[] {
    return [...this.#rows.values()]
      .filter(isMeant)
      .map(({ trace }) => trace.fileId)
      .sort((one, other) => one - other);
  }
}
