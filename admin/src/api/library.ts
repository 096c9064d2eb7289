import * as z from 'zod';
import { assetSchema, type Asset } from './asset';
import { strapiApi } from './client';

interface FolderNode {
  id: number | null;
  name?: string | undefined;
  children?: FolderNode[] | undefined;
}

const folderNodeSchema: z.ZodType<FolderNode> = z.lazy(() =>
  z.object({
    id: z.number().nullable().default(null),
    name: z.string().optional(),
    children: z.array(folderNodeSchema).optional(),
  }),
);
const structureSchema = z.object({ data: z.array(folderNodeSchema) });
const wholeFileSchema = z.looseObject({ id: z.number() });
const pageSchema = z.object({ results: z.array(assetSchema) });

/** A folder of the Media Library. */
export interface Folder {
  id: number;
  name: string;
  /** 0 at the top. */
  depth: number;
  /** Itself and every folder below it. */
  idsWithin: readonly number[];
}

/** One file of the Media Library. */
export function fetchAsset(id: number, signal?: AbortSignal): Promise<Asset> {
  return strapiApi.get(`/upload/files/${String(id)}`, {
    schema: assetSchema,
    ...(signal && { signal }),
  });
}

/** A file with all its fields, as forms and editors hold it. */
export type WholeFile = z.output<typeof wholeFileSchema>;

export function fetchWholeFile(id: number): Promise<WholeFile> {
  return strapiApi.get(`/upload/files/${String(id)}`, { schema: wholeFileSchema });
}

/** The latest uploads, newest first. */
export async function fetchRecentAssets(count: number, signal: AbortSignal): Promise<Asset[]> {
  const { results } = await strapiApi.get('/upload/files', {
    schema: pageSchema,
    query: {
      sort: 'createdAt:DESC',
      page: 1,
      pageSize: count,
      'filters[$and][0][mime][$startsWith]': 'image/',
    },
    signal,
  });
  return results;
}

/** All folders, each followed by its subfolders. */
export async function fetchFolders(signal: AbortSignal): Promise<Folder[]> {
  const { data } = await strapiApi.get('/upload/folder-structure', {
    schema: structureSchema,
    signal,
  });
  return data.flatMap((node) => listFolders(node, 0));
}

/** @param folderId null for the top level */
export async function moveAssets(ids: readonly number[], folderId: number | null): Promise<void> {
  await strapiApi.post('/upload/actions/bulk-move', {
    schema: z.unknown(),
    body: { fileIds: ids, destinationFolderId: folderId },
  });
}

export async function deleteAssets(ids: readonly number[]): Promise<void> {
  await strapiApi.post('/upload/actions/bulk-delete', {
    schema: z.unknown(),
    body: { fileIds: ids },
  });
}

/** Changes these texts of a file; what isn't named stays as it is. */
export async function saveTexts(
  id: number,
  texts: { alternativeText?: string; caption?: string },
): Promise<void> {
  const form = new FormData();
  form.append('fileInfo', JSON.stringify(texts));
  await strapiApi.post('/upload', { schema: z.unknown(), query: { id }, body: form });
}

function listFolders({ id, name = '', children = [] }: FolderNode, depth: number): Folder[] {
  // The root node has no id.
  if (id === null) return children.flatMap((child) => listFolders(child, depth));
  const within = children.flatMap((child) => listFolders(child, depth + 1));
  return [{ id, name, depth, idsWithin: [id, ...within.map((folder) => folder.id)] }, ...within];
}
