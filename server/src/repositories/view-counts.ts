import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { typesOfKind } from '../../../plugin/src/contracts/file-kinds';
import type { ViewRules } from '../../../plugin/src/application/engine';
import { libraryOf } from '../assets/library';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID } from '../plugin-id';
import { createDatabaseTables } from '../usage/database-tables';

/** PostgreSQL and MySQL return counts as text; without files, sums are null. */
const countSchema = z.object({ files: z.coerce.number(), further: z.coerce.number() });

/**
 * How many views a file of the library has on average at most, by what Strapi knows of files: their types and sides. Of
 * an animation's frames and a document's pages, only reading the file tells how many there are. 1 without files.
 */
export async function viewsPerFile(strapi: Core.Strapi, rules: ViewRules): Promise<number> {
  const tables = createDatabaseTables(strapi);
  // In the text: PostgreSQL takes a bound number beside an integer column for an integer.
  const cases = [
    ...rules.partRatios.map(
      (ratio) => `case when width >= ${sql(ratio)} * height and height > 0 then 1
        when height >= ${sql(ratio)} * width and width > 0 then 1 else 0 end`,
    ),
    `case when mime = 'image/gif' then ${sql(rules.frames)} else 0 end`,
    `case when mime = '${typesOfKind.document.exactly ?? ''}'
      then ${sql(Math.max(0, rules.pages - 1))} else 0 end`,
    `case when mime like '${typesOfKind.video.startsWith ?? ''}%'
      then ${sql(Math.max(0, rules.videoFrames - 1))} else 0 end`,
  ];
  const query = tables
    .table(tables.tableOf(FILE_UID))
    .whereNotIn('id', trashedFileIds(strapi))
    .count({ files: '*' })
    .select({ further: strapi.db.connection.raw(`sum(${cases.join(' + ')})`) })
    .first();
  libraryOf(strapi).narrow(query);
  const row: unknown = await query;
  const { files, further } = countSchema.parse(row);
  return files === 0 ? 1 : 1 + further / files;
}

function sql(value: number): string {
  return value.toFixed(3);
}
