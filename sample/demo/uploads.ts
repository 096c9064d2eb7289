import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import PQueue from 'p-queue';
import { renderSampleImage, sampleLibrary } from '../library';
import { listShowcase, type DemoFile } from './showcase';

const UPLOADS_AT_ONCE = 2;

interface UploadOptions {
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** Uploads the sample library and the showcase to the Media Library through Strapi's own service, skipping names that exist. */
export async function uploadSampleLibrary(
  strapi: Core.Strapi,
  { signal, onProgress }: UploadOptions,
): Promise<{ uploaded: number }> {
  const missing = await findMissing(strapi);
  const folderIds = await ensureFolders(strapi, missing);
  const workFolder = await mkdtemp(path.join(tmpdir(), 'image-search-demo-'));
  const queue = new PQueue({ concurrency: UPLOADS_AT_ONCE });
  let done = 0;
  try {
    await queue.addAll(
      missing.map((image) => async () => {
        signal.throwIfAborted();
        const folderId = image.folder === null ? null : (folderIds.get(image.folder) ?? null);
        await uploadImage(strapi, { image, folderId, workFolder });
        onProgress(++done, missing.length);
      }),
    );
  } finally {
    queue.clear();
    await queue.onIdle();
    await rm(workFolder, { recursive: true, force: true });
  }
  return { uploaded: done };
}

async function findMissing(strapi: Core.Strapi): Promise<DemoFile[]> {
  const files = (await strapi.db.query('plugin::upload.file').findMany({ select: ['name'] })) as {
    name: string;
  }[];
  const present = new Set(files.map((file) => file.name));
  const images = sampleLibrary.map((image): DemoFile => ({
    ...image,
    render: () => renderSampleImage(image),
  }));
  return [...images, ...listShowcase()].filter(({ fileName }) => !present.has(fileName));
}

/** Ids by path: the names of the folders joined with `/`. */
async function ensureFolders(
  strapi: Core.Strapi,
  images: readonly DemoFile[],
): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  const wanted = new Set(images.map((image) => image.folder).filter((folder) => folder !== null));
  for (const folder of wanted) {
    const names = folder.split('/');
    for (const [index, name] of names.entries()) {
      const parent = ids.get(names.slice(0, index).join('/')) ?? null;
      ids.set(names.slice(0, index + 1).join('/'), await ensureFolder(strapi, { name, parent }));
    }
  }
  return ids;
}

async function ensureFolder(
  strapi: Core.Strapi,
  folder: { name: string; parent: number | null },
): Promise<number> {
  const found: unknown = await strapi.db.query('plugin::upload.folder').findOne({ where: folder });
  if (found) return (found as { id: number }).id;
  const folders = strapi.plugin('upload').service<FolderService>('folder');
  return (await folders.create(folder)).id;
}

interface ImageUpload {
  image: DemoFile;
  folderId: number | null;
  workFolder: string;
}

async function uploadImage(
  strapi: Core.Strapi,
  { image, folderId, workFolder }: ImageUpload,
): Promise<void> {
  const { fileName, mimeType, alternativeText } = image;
  const bytes = await image.render();
  const filepath = path.join(workFolder, fileName);
  await writeFile(filepath, bytes);
  const uploads = strapi.plugin('upload').service<UploadService>('upload');
  await uploads.upload({
    data: {
      fileInfo: {
        name: fileName,
        folder: folderId,
        ...(alternativeText === undefined ? {} : { alternativeText }),
      },
    },
    files: { filepath, originalFilename: fileName, mimetype: mimeType, size: bytes.length },
  });
  await rm(filepath);
}

/** The used parts of Strapi's upload services, which Strapi doesn't type. */
interface FolderService {
  create(folder: { name: string; parent: number | null }): Promise<{ id: number }>;
}

interface UploadService {
  upload(request: {
    data: { fileInfo: { name: string; folder: number | null; alternativeText?: string } };
    files: { filepath: string; originalFilename: string; mimetype: string; size: number };
  }): Promise<unknown>;
}
