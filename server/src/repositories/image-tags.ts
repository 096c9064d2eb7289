import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { tagLabelsSchema } from '../../../plugin/src/config';
import type { FacetCount } from '../../../plugin/src/search/contract';
import type { ImageTags, TaggedImage } from '../../../plugin/src/search/relevance/contract';
import { inputError, shorten } from '../http/parse-input';
import { IMAGE_TAG_UID, INDEX_ENTRY_UID, PLUGIN_ID } from '../plugin-id';
import {
  chunksOf,
  createDatabaseTables,
  readRows,
  type DatabaseTables,
  type TableQuery,
} from '../usage/database-tables';
import { retryConflicts } from './row-locks';

/** Rows in one INSERT. */
const LARGEST_INSERT = 100;
/** Files that are looked at in one statement, a few milliseconds. */
const WINDOW = 1_000;

type Transaction = NonNullable<Parameters<typeof createDatabaseTables>[1]>;

const filesSchema = z.array(z.object({ file_id: z.number(), content_hash: z.string() }));
const windowSchema = z.array(filesSchema.element.extend({ tagged: z.number().nullable() }));

/** Databases return counts as text or as numbers. */
const countsSchema = z.array(z.object({ value: z.string(), count: z.coerce.number() }));

const namesSchema = z.array(z.object({ file_id: z.number(), name: z.string() }));

/** Tags in Strapi's database. */
export function createImageTags(strapi: Core.Strapi): ImageTags {
  return {
    async listUntagged({ among, spaceId, tagging }) {
      const tables = createDatabaseTables(strapi);
      const query = indexedFiles(tables, spaceId)
        .select({ tagged: 'tags.file_id' })
        .leftJoin(`${tables.tableOf(IMAGE_TAG_UID)} as tags`, function joinCurrent(join) {
          join
            .on('tags.file_id', 'entries.file_id')
            .andOn('tags.content_hash', 'entries.content_hash')
            .andOnVal('tags.position', 0)
            .andOnVal('tags.tagging', tagging);
        })
        .orderBy('entries.file_id');
      if ('after' in among) void query.where('entries.file_id', '>', among.after).limit(WINDOW);
      else void query.whereIn('entries.file_id', [...among.fileIds]);
      const window = windowSchema.parse(await query);
      return {
        files: window
          .filter(({ tagged }) => tagged === null)
          .map(({ content_hash: contentHash, file_id: fileId }) => ({ fileId, contentHash })),
        next:
          'after' in among && window.length === WINDOW ? (window.at(-1)?.file_id ?? null) : null,
      };
    },

    async replace(images, { spaceId, tagging }) {
      if (images.length === 0) return;
      const fileIds = images.map(({ fileId }) => fileId);
      await retryConflicts(strapi, () =>
        strapi.db.transaction(async ({ trx }) => {
          const tables = createDatabaseTables(strapi, trx as Transaction);
          const locked: unknown = await indexedFiles(tables, spaceId)
            .whereIn('entries.file_id', fileIds)
            .orderBy('entries.file_id')
            .forUpdate();
          const hashes = new Map(
            filesSchema.parse(locked).map((row) => [row.file_id, row.content_hash]),
          );
          const same = images.filter(
            ({ contentHash, fileId }) => hashes.get(fileId) === contentHash,
          );
          await removeTags(strapi, trx as Transaction, fileIds);
          const rows = same.flatMap((image) => toRows(image, tagging));
          for (const some of chunksOf(rows, LARGEST_INSERT)) {
            await tables.table(tables.tableOf(IMAGE_TAG_UID)).insert(some);
          }
        }),
      );
    },
  };
}

function indexedFiles(tables: DatabaseTables, spaceId: string): TableQuery {
  return tables
    .table(`${tables.tableOf(INDEX_ENTRY_UID)} as entries`)
    .select('entries.file_id', 'entries.content_hash')
    .where({ 'entries.space_id': spaceId, 'entries.state': 'indexed' })
    .whereNotNull('entries.content_hash');
}

function toRows({ contentHash, fileId, tags }: TaggedImage, tagging: string): object[] {
  const shown = tags.length === 0 ? [{ name: '', relevance: 0 }] : tags;
  return shown.map(({ name, relevance }, position) => ({
    file_id: fileId,
    position,
    name,
    relevance: Math.round(relevance * 1_000),
    tagging,
    content_hash: contentHash,
  }));
}

/** In the transaction of what they follow from. */
export async function removeTags(
  strapi: Core.Strapi,
  transaction: Transaction,
  fileIds: readonly number[],
): Promise<void> {
  const tables = createDatabaseTables(strapi, transaction);
  const table = tables.table(tables.tableOf(IMAGE_TAG_UID));
  await table.whereIn('file_id', [...fileIds]).delete();
}

/** Of files that were replaced, whose tags are those of other bytes until they are embedded; in the same transaction. */
export async function removeTagsOfOtherBytes(
  strapi: Core.Strapi,
  transaction: Transaction,
  files: readonly Pick<TaggedImage, 'contentHash' | 'fileId'>[],
): Promise<void> {
  const tables = createDatabaseTables(strapi, transaction);
  const table = tables.table(tables.tableOf(IMAGE_TAG_UID));
  for (const { contentHash, fileId } of files) {
    void table.orWhere((file) => {
      void file.where('file_id', fileId).whereNot('content_hash', contentHash);
    });
  }
  if (files.length > 0) await table.delete();
}

/** The tags of the configuration; none unless it has a vocabulary. */
export function configuredTags(strapi: Core.Strapi): string[] {
  const labels: unknown = strapi.config.get(`plugin::${PLUGIN_ID}.tags.labels`);
  return tagLabelsSchema.parse(labels).map(({ name }) => name);
}

/**
 * The condition on files, by their name in a query, that an image has all of these tags.
 *
 * @throws ImageSearchError `invalid-input` for a tag that isn't in the configuration
 */
export function tagCondition(
  tables: DatabaseTables,
  tags: readonly string[] | undefined,
): ((files: string) => object) | null {
  if (tags === undefined) return null;
  requireTags(tables.strapi, tags);
  return (files) => ({
    $and: [...new Set(tags)].map((name) => ({
      id: {
        $in: tables
          .table(`${tables.tableOf(IMAGE_TAG_UID)} as tags`)
          .select('tags.file_id')
          .whereRaw('?? = ??', ['tags.file_id', `${files}.id`])
          .where('tags.name', name),
      },
    })),
  });
}

const NO_TAGS = 'there are none: set "tags.labels" in the configuration of image-search.';

/**
 * @param tags that a request names; none for a facet
 * @throws ImageSearchError `invalid-input`
 */
export function requireTags(strapi: Core.Strapi, tags: readonly string[] | null): void {
  const known = configuredTags(strapi);
  if (known.length === 0) throw inputError(`${tags ? 'tags' : 'facets: "tags"'}: ${NO_TAGS}`);
  const unknown = tags?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw inputError(`tags: "${shorten(unknown)}" isn't one of ${known.join(', ')}.`);
}

/** How many of these files have each tag of the configuration. */
export async function countTags(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<FacetCount<string>[]> {
  const tables = createDatabaseTables(strapi);
  const counted = tables
    .table(tables.tableOf(IMAGE_TAG_UID))
    .whereIn('file_id', fileIds)
    .whereIn('name', configuredTags(strapi))
    .select({ value: 'name' })
    .count({ count: '*' })
    .groupBy('name');
  return countsSchema.parse(await readRows(strapi, counted));
}

/** The tags of these files by file, the most relevant first; files without any are missing. */
export async function tagsOf(
  strapi: Core.Strapi,
  fileIds: Iterable<number>,
): Promise<Map<number, string[]>> {
  const known = configuredTags(strapi);
  const tags = new Map<number, string[]>();
  if (known.length === 0) return tags;
  const tables = createDatabaseTables(strapi);
  for (const ids of chunksOf(new Set(fileIds))) {
    const query = tables
      .table(tables.tableOf(IMAGE_TAG_UID))
      .select('file_id', 'name')
      .whereIn('file_id', ids)
      .whereIn('name', known)
      .orderBy(['file_id', 'position']);
    for (const { file_id: fileId, name } of namesSchema.parse(await readRows(strapi, query))) {
      tags.set(fileId, [...(tags.get(fileId) ?? []), name]);
    }
  }
  return tags;
}
