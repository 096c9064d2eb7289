import type { FileUse, UseKind, UseObstacle } from '../../../plugin/src/contracts/merging';

/** A field of one row of a content type's or component's table. */
export interface RowField {
  uid: string;
  rowId: number;
  attribute: string;
}

/** A use of a file as stored in the database, before its entries are known. */
export interface RawUse extends RowField {
  fileId: number;
  kind: UseKind;
  /** See `FileUse`. */
  certainty: FileUse['certainty'];
  mention: string | null;
  /** Which of the file's URLs a rich text contains. */
  urls?: string[];
  /** Why it can't use another file; null if it can, as far as known without that file. */
  obstacle: UseObstacle | null;
}

/** A use in an entry; `row` is its place in the database. */
export interface LocatedUse extends FileUse {
  fileId: number;
  row: RowField;
  urls?: string[];
}

/** Everything that identifies a file in a text. */
export interface FileNames {
  id: number;
  documentId: string;
  /** The file's name in storage. */
  hash: string;
  /** URLs of the original and of its formats. */
  urls: string[];
}
