import { z } from 'zod';
import { chunksOf } from '../../chunks';
import type { VectorSpace } from '../../embedding/contract';
import type {
  FileVectors,
  IdPage,
  VectorCollection,
  VectorHit,
  VectorPoint,
  VectorQuery,
  ViewVector,
} from '../contract';
import { searchInSteps, searchViewsInSteps, type Searcher } from '../search-in-steps';
import type { Within } from '../server-store';
import { assertQuery, assertVector } from '../similarity';
import { fileIdOf, mergeViews, toView, toViewId } from '../views';
import type { CollectionCatalog, Server, Tables } from './catalog';
import { isMissingTable, noRows, type Connection, type Send } from './connection';
import type { Graphs } from './graphs';
import {
  depthsOf,
  fromVectorText,
  needsExact,
  searchExactly,
  searchGraph,
  toVectorText,
  type GraphSettings,
} from './vector-table';

/** Numbers in one statement: some 2 MB of text. */
const MAX_NUMBERS = 200_000;
const MAX_ROWS = 1_000;

export interface CollectionOptions {
  connection: Connection;
  catalog: CollectionCatalog;
  graphs: Graphs;
  space: VectorSpace;
  within: Within;
}

const pointRow = z.object({
  file_id: z.number(),
  mime_type: z.string(),
  extension: z.string(),
  created_at: z.string(),
  content_hash: z.string(),
  embedding: z.string(),
});
const idRow = z.object({ file_id: z.number() });
const hashRow = idRow.extend({ content_hash: z.string() });
const vectorRow = idRow.extend({ embedding: z.string() });
const viewRow = z.object({ id: z.number(), embedding: z.string() });
const countRow = z.object({ count: z.number() });

export class PostgresCollection implements VectorCollection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;

  constructor(options: CollectionOptions) {
    this.space = options.space;
    this.#options = options;
  }

  async upsert(points: readonly VectorPoint[]): Promise<void> {
    const { connection, graphs, within } = this.#options;
    for (const { fileId, vector, views = [] } of points) {
      assertVector(vector, this.space);
      for (const view of views) {
        toViewId(fileId, view);
        assertVector(view.vector, this.space);
      }
    }
    const distinct = new Map(points.map((point) => [point.fileId, point]));
    if (distinct.size === 0) return;
    // Ascending, so that two processes that write the same files wait for each other in the same order.
    const ordered = [...distinct.values()].sort((left, right) => left.fileId - right.fileId);
    const hasViews = ordered.some(({ views = [] }) => views.length > 0);
    await within(async () => {
      const { types } = await this.#server();
      await connection.transact(async (send) => {
        for (const batch of chunksOf(ordered, this.#batchSize())) {
          await this.#put(send, batch, types);
        }
        if (hasViews) await this.#sayViews(send);
      });
    });
    if (hasViews) graphs.noteViews();
    graphs.noteWrites(ordered.length);
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    const { connection, within } = this.#options;
    if (fileIds.length === 0) return;
    await within(async () => {
      const { points, vectors, views } = this.#tables();
      await connection.transact(async (send) => {
        const ids = [fileIds];
        // As in `upsert`, rows of `points` are locked first, in order.
        await send(
          noRows,
          `delete from ${points} where file_id in (
             select file_id from ${points} where file_id = any($1::bigint[]) order by 1 for update)`,
          ids,
        );
        for (const table of [vectors, views]) {
          await send(noRows, `delete from ${table} where file_id = any($1::bigint[])`, ids);
        }
      });
    });
  }

  async search(query: VectorQuery): Promise<VectorHit[]> {
    const { graphs, within } = this.#options;
    assertQuery(query, this.space);
    if (query.filter?.includeIds?.length === 0) return [];
    if (query.searchedWith) graphs.noteQuery(query.searchedWith, query.vector);
    return within(async () => {
      const [server, state] = await Promise.all([this.#server(), graphs.state()]);
      const searcher = { query, server };
      const isSearchingViews = query.isWholeOnly !== true && state.hasViews;
      const [wholes, views] = await Promise.all([
        searchInSteps(query, this.#searcherFor('vectors', { ...searcher, graph: state.vectors })),
        isSearchingViews
          ? searchViewsInSteps(
              query,
              this.#searcherFor('views', { ...searcher, graph: state.views }),
            )
          : [],
      ]);
      return views.length === 0 ? wholes : mergeViews(wholes, views).slice(0, query.limit);
    });
  }

  async getMany(fileIds: readonly number[]): Promise<VectorPoint[]> {
    const { connection, within } = this.#options;
    const batches = chunksOf([...new Set(fileIds)], this.#batchSize());
    if (batches.length === 0) return [];
    return within(async () => {
      const { points, vectors } = this.#tables();
      const found: VectorPoint[] = [];
      for (const ids of batches) {
        const rows = await connection.send(
          pointRow,
          `select file_id::float8 as file_id, mime_type, extension, created_at, content_hash,
             embedding::text as embedding
           from ${points} join ${vectors} using (file_id) where file_id = any($1::bigint[])`,
          [ids],
        );
        found.push(...rows.map(toPoint));
      }
      return found;
    });
  }

  hasViews(): Promise<boolean> {
    const { graphs, within } = this.#options;
    return within(async () => (await graphs.state()).hasViews);
  }

  async viewsOf(fileIds: readonly number[]): Promise<Map<number, ViewVector[]>> {
    const { within } = this.#options;
    if (fileIds.length === 0) return new Map();
    return within(() => this.#viewsIn(this.#tables(), fileIds));
  }

  async contentHashesOf(fileIds: readonly number[]): Promise<Map<number, string>> {
    const { connection, within } = this.#options;
    if (fileIds.length === 0) return new Map();
    return within(async () => {
      const rows = await connection.send(
        hashRow,
        `select file_id::float8 as file_id, content_hash from ${this.#tables().points}
         where file_id = any($1::bigint[])`,
        [fileIds],
      );
      return new Map(rows.map((row) => [row.file_id, row.content_hash]));
    });
  }

  findByContentHash(contentHash: string): Promise<FileVectors | null> {
    const { catalog, within } = this.#options;
    return within(async () => {
      const own = await this.#findIn(this.#tables(), contentHash);
      if (own !== null) return own;
      for (const { tables } of await catalog.foreignTo(this.space)) {
        const found = await this.#findIn(tables, contentHash).catch((error: unknown) => {
          // Its project may have dropped it in the meantime.
          if (isMissingTable(error)) return null;
          throw error;
        });
        if (found !== null) return found;
      }
      return null;
    });
  }

  count(): Promise<number> {
    return this.#options.within(() => this.#count('points'));
  }

  listIds(cursor: number | null, limit: number): Promise<IdPage> {
    const { connection, within } = this.#options;
    return within(async () => {
      const rows = await connection.send(
        idRow,
        `select file_id::float8 as file_id from ${this.#tables().points} as point
         where file_id > $1 order by point.file_id limit $2`,
        // One extra id shows whether there is a next page.
        [cursor ?? 0, limit + 1],
      );
      const ids = rows.map(({ file_id: id }) => id);
      const page = ids.slice(0, limit);
      return { ids: page, nextCursor: ids.length > limit ? (page.at(-1) ?? null) : null };
    });
  }

  async #put(send: Send, batch: readonly VectorPoint[], types: string): Promise<void> {
    const { points, vectors, views } = this.#tables();
    const ids = batch.map(({ fileId }) => fileId);
    const payloads = batch.map(({ payload }) => payload);
    const further = batch.flatMap(({ fileId, views: of = [] }) =>
      of.map((view) => ({ id: toViewId(fileId, view), embedding: toVectorText(view.vector) })),
    );
    await send(
      noRows,
      `insert into ${points} (file_id, mime_type, extension, created_at, content_hash)
       select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
       on conflict (file_id) do update set mime_type = excluded.mime_type,
         extension = excluded.extension, created_at = excluded.created_at,
         content_hash = excluded.content_hash`,
      [
        ids,
        payloads.map(({ mimeType }) => mimeType),
        payloads.map(({ extension }) => extension),
        payloads.map(({ createdAt }) => createdAt),
        payloads.map(({ contentHash }) => contentHash),
      ],
    );
    await send(
      noRows,
      `insert into ${vectors} as known (file_id, embedding)
       select file_id, embedding::${types}.vector
       from unnest($1::bigint[], $2::text[]) as given (file_id, embedding)
       on conflict (file_id) do update set embedding = excluded.embedding
       where known.embedding operator(${types}.<>) excluded.embedding`,
      [ids, batch.map(({ vector }) => toVectorText(vector))],
    );
    // Views of what a file showed before must not outlive it.
    await send(noRows, `delete from ${views} where file_id = any($1::bigint[])`, [ids]);
    for (const part of chunksOf(further, this.#batchSize())) {
      await send(
        noRows,
        `insert into ${views} (id, embedding) select id, embedding::${types}.vector
         from unnest($1::bigint[], $2::text[]) as given (id, embedding)`,
        [part.map(({ id }) => id), part.map(({ embedding }) => embedding)],
      );
    }
  }

  /** In the catalog, so that nobody has to look for them. */
  async #sayViews(send: Send): Promise<void> {
    await send(
      noRows,
      `update ${this.#options.catalog.schema}.collections set has_views = true
       where number = $1 and not has_views`,
      [this.#tables().number],
    );
  }

  async #findIn(tables: Tables, contentHash: string): Promise<FileVectors | null> {
    const [row] = await this.#options.connection.send(
      vectorRow,
      `select file_id::float8 as file_id, embedding::text as embedding
       from ${tables.points} join ${tables.vectors} using (file_id)
       where content_hash = $1 limit 1`,
      [contentHash],
    );
    if (row === undefined) return null;
    const views = await this.#viewsIn(tables, [row.file_id]);
    return { vector: fromVectorText(row.embedding), views: views.get(row.file_id) ?? [] };
  }

  async #viewsIn(
    { views }: Tables,
    fileIds: readonly number[],
  ): Promise<Map<number, ViewVector[]>> {
    const found = new Map<number, ViewVector[]>();
    for (const ids of chunksOf([...new Set(fileIds)], this.#batchSize())) {
      const rows = await this.#options.connection.send(
        viewRow,
        `select id::float8 as id, embedding::text as embedding from ${views} as view
         where file_id = any($1::bigint[]) order by view.id`,
        [ids],
      );
      for (const { id, embedding } of rows) {
        const view = { ...toView(id), vector: fromVectorText(embedding) };
        found.set(fileIdOf(id), [...(found.get(fileIdOf(id)) ?? []), view]);
      }
    }
    return found;
  }

  #searcherFor(
    kind: 'vectors' | 'views',
    { graph, query, server }: { graph: GraphSettings | null; query: VectorQuery; server: Server },
  ): Searcher {
    const { connection } = this.#options;
    const { filter = {}, vector } = query;
    const tableQuery = {
      table: this.#tables()[kind],
      key: kind === 'vectors' ? ('file_id' as const) : ('id' as const),
      space: this.space,
      server,
      vector,
      filter,
    };
    return {
      ask: async ({ isExact, limit, threshold }) => {
        if (graph !== null && !isExact && !needsExact(server, filter)) {
          const near = await searchGraph(connection.send, tableQuery, { limit, settings: graph });
          if (near.length === limit) return near;
        }
        return searchExactly(connection.send, tableQuery, { limit, threshold });
      },
      count: () => this.#count(kind),
      needsExact: (given) => graph === null || needsExact(server, given),
      depths: depthsOf(server),
    };
  }

  async #count(kind: 'points' | 'vectors' | 'views'): Promise<number> {
    const [row] = await this.#options.connection.send(
      countRow,
      `select count(*)::float8 as count from ${this.#tables()[kind]}`,
    );
    return row?.count ?? 0;
  }

  #tables(): Tables {
    return this.#options.catalog.tablesOf(this.space);
  }

  #server(): Promise<Server> {
    return this.#options.catalog.server();
  }

  #batchSize(): number {
    return Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_NUMBERS / this.space.dimensions)));
  }
}

function toPoint(row: z.output<typeof pointRow>): VectorPoint {
  return {
    fileId: row.file_id,
    vector: fromVectorText(row.embedding),
    payload: {
      mimeType: row.mime_type,
      extension: row.extension,
      createdAt: row.created_at,
      contentHash: row.content_hash,
    },
  };
}
