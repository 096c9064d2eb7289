import type { FileUse, UseKind } from '../../../plugin/src/contracts/merging';

/** A field of one row of a content type's or a component's table. */
export interface RowField {
  uid: string;
  rowId: number;
  attribute: string;
}

/** What uses a file, as the database has it: one row, before it is known to which entries that belongs. */
export interface RawUse extends RowField {
  fileId: number;
  kind: UseKind;
  /** Why it cannot be made to use another file; null when it can, as far as is known without that file. */
  obstacle: string | null;
}

/** A use in an entry; `row` is where the database has it. */
export interface LocatedUse extends FileUse {
  fileId: number;
  row: RowField;
}

/** What tells a file from others in a text. */
export interface FileNames {
  id: number;
  documentId: string;
  /** The file's name in storage. */
  hash: string;
  /** Addresses of the original and of its formats. */
  urls: string[];
}

export function rowKey({ uid, rowId }: Pick<RowField, 'uid' | 'rowId'>): string {
  return `${uid}#${String(rowId)}`;
}
