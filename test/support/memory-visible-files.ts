import { wordFields } from '../../plugin/src/text/contract';
import type { FacetName, Facets, FileOrder, VisibleFiles } from '../../plugin/src/search/contract';
import type { IdPage } from '../../plugin/src/vectors/contract';

export interface MemoryRow {
  id: number;
  name: string;
}

/** The files of a library in memory as one caller sees them; it notes what it was asked. */
export class MemoryVisibleFiles implements VisibleFiles<MemoryRow> {
  /** Lengths of the lists that `filterVisible` was asked about. */
  readonly askedAbout: number[] = [];
  /** Cursors that `listIdsAfter` was called with. */
  readonly listedAfter: number[] = [];
  readonly wordFields = wordFields;
  readonly #readable: Set<number>;
  readonly #matching: Set<number> | null;

  /**
   * @param readable ids that the caller may see
   * @param matching ids that its filters let through; left out when it has none
   */
  constructor(readable: Iterable<number>, matching?: Iterable<number>) {
    this.#readable = new Set(readable);
    this.#matching = matching ? new Set(matching) : null;
  }

  get isNarrowed(): boolean {
    return this.#matching !== null;
  }

  delete(fileId: number): void {
    this.#readable.delete(fileId);
  }

  async listIds(limit: number): Promise<number[] | null> {
    await Promise.resolve();
    const ids = [...this.#readable].filter((fileId) => this.#matches(fileId));
    return ids.length > limit ? null : ids.reverse();
  }

  async listIdsAfter(after: number, limit: number): Promise<IdPage> {
    await Promise.resolve();
    const ids = [...this.#readable]
      .filter((fileId) => fileId > after && this.#matches(fileId))
      .sort((left, right) => left - right);
    this.listedAfter.push(after);
    return {
      ids: ids.slice(0, limit),
      nextCursor: ids.length > limit ? (ids[limit - 1] ?? null) : null,
    };
  }

  async listImages({
    start,
    limit,
    sort = [],
  }: Parameters<VisibleFiles<unknown>['listImages']>[0]) {
    const ids = await this.sortVisible([...this.#readable], sort);
    return { ids: ids.slice(start, start + limit), hasMore: ids.length > start + limit };
  }

  /** Higher ids are newer, larger, and have higher names. */
  async sortVisible(fileIds: readonly number[], [first]: readonly FileOrder[]): Promise<number[]> {
    await Promise.resolve();
    const sign = first?.isDescending === false ? 1 : -1;
    return fileIds
      .filter((fileId) => this.#isVisible(fileId))
      .sort((left, right) => sign * (left - right));
  }

  /** Even ids are PNGs, the others JPEGs; folders and years are the tens and hundreds of an id. */
  async countFacets(facets: readonly FacetName[], fileIds = [...this.#readable]): Promise<Facets> {
    await Promise.resolve();
    const ids = fileIds.filter((fileId) => this.#isVisible(fileId));
    const count = <Value>(valueOf: (fileId: number) => Value) =>
      [...new Set(ids.map(valueOf))].map((value) => ({
        value,
        count: ids.filter((fileId) => valueOf(fileId) === value).length,
      }));
    return {
      ...(facets.includes('type') && {
        type: count((fileId) => (fileId % 2 === 0 ? 'image/png' : 'image/jpeg')),
      }),
      ...(facets.includes('folder') && { folder: count((fileId) => Math.floor(fileId / 10)) }),
      ...(facets.includes('year') && { year: count((fileId) => Math.floor(fileId / 100)) }),
      counted: ids.length,
      isLowerBound: false,
    };
  }

  async foldersOf(fileIds: readonly number[]): Promise<Map<number, number | null>> {
    await Promise.resolve();
    const ids = fileIds.filter((fileId) => this.#isVisible(fileId));
    return new Map(ids.map((fileId) => [fileId, Math.floor(fileId / 10) || null]));
  }

  async countImages(): Promise<number> {
    await Promise.resolve();
    return [...this.#readable].filter((fileId) => this.#isVisible(fileId)).length;
  }

  async filterReadable(fileIds: readonly number[]): Promise<Set<number>> {
    await Promise.resolve();
    return new Set(fileIds.filter((fileId) => this.#readable.has(fileId)));
  }

  async filterVisible(fileIds: readonly number[]): Promise<Set<number>> {
    await Promise.resolve();
    this.askedAbout.push(fileIds.length);
    return new Set(fileIds.filter((fileId) => this.#isVisible(fileId)));
  }

  async load(fileIds: readonly number[]): Promise<Map<number, MemoryRow>> {
    await Promise.resolve();
    const ids = fileIds.filter((fileId) => this.#isVisible(fileId));
    return new Map(ids.map((id) => [id, { id, name: `file-${String(id)}.png` }]));
  }

  #isVisible(fileId: number): boolean {
    return this.#readable.has(fileId) && this.#matches(fileId);
  }

  #matches(fileId: number): boolean {
    return this.#matching?.has(fileId) ?? true;
  }
}
