import { createHash } from 'node:crypto';
import type { AssetDescription, AssetPage, AssetSource } from '../../plugin/src/indexing/contract';
import { failure } from './failures';

const CREATED_AT = '2026-01-01T00:00:00.000Z';

/** A library in memory. The hooks run before a file is looked at, and what they throw the call fails with. */
export class MemoryAssets implements AssetSource {
  readonly #files = new Map<number, Uint8Array>();
  onDescribe: (fileId: number) => Promise<void> | void = () => undefined;
  onRead: (fileId: number, signal: AbortSignal | undefined) => Promise<void> | void = () =>
    undefined;
  onIterate: (cursor: number | null) => Promise<void> | void = () => undefined;

  put(fileId: number, bytes: Uint8Array): void {
    this.#files.set(fileId, bytes);
  }

  delete(fileId: number): void {
    this.#files.delete(fileId);
  }

  async describe(fileId: number): Promise<AssetDescription | null> {
    await this.onDescribe(fileId);
    const bytes = this.#files.get(fileId);
    return bytes ? describeFile(fileId, bytes) : null;
  }

  async describeMany(fileIds: readonly number[]): Promise<AssetDescription[]> {
    const described = await Promise.all(fileIds.map((fileId) => this.describe(fileId)));
    return described.filter((asset) => asset !== null);
  }

  async read(
    fileId: number,
    { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array> {
    await this.onRead(fileId, signal);
    signal?.throwIfAborted();
    const bytes = this.#files.get(fileId);
    if (!bytes) throw failure('image-missing', { retryable: true });
    if (bytes.length > maxBytes) throw failure('image-too-large');
    return bytes;
  }

  withFile(): Promise<never> {
    throw new Error('There are no videos in this library.');
  }

  async iterate(cursor: number | null, limit: number): Promise<AssetPage> {
    await this.onIterate(cursor);
    const ids = [...this.#files.keys()]
      .filter((fileId) => fileId > (cursor ?? 0))
      .sort((left, right) => left - right);
    const page = ids.slice(0, limit);
    return {
      assets: page.flatMap((fileId) => {
        const bytes = this.#files.get(fileId);
        return bytes ? [describeFile(fileId, bytes)] : [];
      }),
      nextCursor: ids.length > limit ? (page.at(-1) ?? null) : null,
    };
  }

  count(): Promise<number> {
    return Promise.resolve(this.#files.size);
  }
}

function describeFile(fileId: number, bytes: Uint8Array): AssetDescription {
  return {
    fileId,
    name: `file-${String(fileId)}.png`,
    mimeType: 'image/png',
    extension: '.png',
    sizeInBytes: bytes.length,
    createdAt: CREATED_AT,
    signature: signatureOf(bytes),
  };
}

export function signatureOf(bytes: Uint8Array): string {
  return createHash('sha256').update('signature').update(bytes).digest('hex');
}
