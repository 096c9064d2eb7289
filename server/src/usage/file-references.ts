import type { DatabaseTables } from './database-tables';
import { linkTables } from './other-relations';
import { relationTable } from './relation-rows';

/** A column whose values are ids of files that something uses. */
export interface FileReference {
  tableName: string;
  fileColumn: string;
  /** The column that says of which model the id is, where it may be of several. */
  typeColumn?: string;
}

/** Every relation by which content uses files: media fields, which share a table, and others. */
export function fileReferences(tables: DatabaseTables): FileReference[] {
  const { name, fileColumn } = relationTable(tables);
  return [{ tableName: name, fileColumn }, ...linkTables(tables)];
}
