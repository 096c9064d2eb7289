/** Where words of a file come from. */
export const wordFields = [
  'name',
  'alternativeText',
  'caption',
  'folder',
  // Of entries that use the file.
  'entryTitles',
  // What the image or document itself says.
  'text',
] as const;

export type WordField = (typeof wordFields)[number];

/** Characters of a field that are searched; of what documents say, this is several pages. */
export const LONGEST_FIELD = 20_000;

/** The words that belong to one file; fields without any are empty. */
export interface FileWords extends Record<WordField, string> {
  fileId: number;
}

export interface TextQuery {
  /** Anything that a person may type. Words in quotation marks must occur side by side, in this order. */
  text: string;
  /** Maximum number of hits. */
  limit: number;
  /** The fields that may match. @default all of them */
  fields?: readonly WordField[] | undefined;
  /** Search these files only. */
  includeIds?: readonly number[] | undefined;
}

export interface TextHit {
  fileId: number;
  /** How much of the query the file's words have, weighted by how rare they are in the library: above 0, at most 1. */
  score: number;
  /** The fields that have it, in the order of `wordFields`; at least one. */
  fields: WordField[];
  /**
   * Whether the query is the file's name, whatever its case, separators and extension (`exact`); or most of it, or
   * written like a name, with only words that the name has (`close`).
   */
  nameMatch: 'exact' | 'close' | null;
}

export interface TextMatches {
  /** The best first: exact names, close names, then by score; ties by ascending file id. */
  hits: TextHit[];
  /** Whether the query has words in quotation marks: then no other file answers it. */
  hasPhrases: boolean;
}

/**
 * The words of a database's files. It holds nothing that the database doesn't have, and may be deleted at any time:
 * `replaceRange` fills it again.
 *
 * - `upsert` inserts or replaces by file id; of files with the same id, the last wins. `remove` ignores missing ids.
 * - `replaceRange` makes the files with ids above `after`, and at most `through`, these ones. It writes only what
 *   differs, and returns how many it wrote or removed.
 * - `search` finds words of any language by their beginnings and simple forms, parts of file names (`IMG_1234`,
 *   `logoAcme`), and characters of scripts without spaces, whatever the case and the accents. Hits with less than a
 *   fifth of the query are left out.
 *
 * @throws ImageSearchError `store-unavailable` (retryable) when it can't be read or written, and `store-not-installed`
 */
export interface TextIndex {
  upsert(files: readonly FileWords[]): Promise<void>;
  remove(fileIds: readonly number[]): Promise<void>;
  replaceRange(
    files: readonly FileWords[],
    range: { after: number; through: number | null },
  ): Promise<number>;
  search(query: TextQuery): Promise<TextMatches>;
  dispose(): Promise<void>;
}

/** The words of the library's images, as the host's database has them. */
export interface WordSource {
  /** Ascending by id after `cursor`, or from the start when null. */
  iterate(
    cursor: number | null,
    limit: number,
  ): Promise<{ files: FileWords[]; nextCursor: number | null }>;
  /** Omits files that are gone or not in the library. */
  describeMany(fileIds: readonly number[]): Promise<FileWords[]>;
}
