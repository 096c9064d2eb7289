import { ModelError } from './model-error';
import type { ModelSource } from './protocol';

/** How to run a model that cannot be downloaded; ends the messages below. */
const offlineAdvice =
  'To run without a download, copy the model into a folder of this machine and set embedding.model to its path.';

/** Names what went wrong while files of a model were found, downloaded, read or loaded. */
export function loadingFailure(error: unknown, source: ModelSource): ModelError {
  if (error instanceof ModelError) return error;
  const cause = describeChain(error);
  if (error instanceof Error && error.name === 'ModelFileNotFoundError')
    return missing(source, cause);
  if (source.kind === 'hub' && isDownloadFailure(error)) {
    return new ModelError({
      code: 'provider-unavailable',
      message: `The model "${source.name}" could not be downloaded from the Hugging Face hub (${cause}). Another try follows. ${offlineAdvice}`,
      retryable: true,
      cause,
    });
  }
  return damaged(source, cause);
}

function missing(source: ModelSource, cause: string): ModelError {
  return new ModelError({
    code: 'provider-model-missing',
    message: missingMessage(source, cause),
    retryable: false,
    cause,
  });
}

function missingMessage(source: ModelSource, cause: string): string {
  if (source.kind === 'folder') {
    return `The model folder "${source.path}" (embedding.model) lacks a file: ${cause}`;
  }
  if (!source.allowDownloads) {
    return `The model "${source.name}" is not in the cache folder "${source.cacheFolder}", and embedding.allowDownloads is false. ${offlineAdvice}`;
  }
  return `The Hugging Face hub has no public model "${source.name}" (embedding.model) with the files and the embedding.dtype that are needed: ${cause}`;
}

function damaged(source: ModelSource, cause: string): ModelError {
  const [what, advice] =
    source.kind === 'folder'
      ? [`in the folder "${source.path}" (embedding.model)`, 'Copy it there again.']
      : [
          `"${source.name}"`,
          `Delete its folder below "${source.cacheFolder}" to have it downloaded again.`,
        ];
  return new ModelError({
    code: 'provider-model-missing',
    message: `The model ${what} cannot be loaded; its files may be damaged or need another embedding.dtype. ${advice}`,
    retryable: false,
    cause,
  });
}

/** What fetch throws, what a broken stream throws, and what the library makes of an HTTP status. */
function isDownloadFailure(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (each instanceof TypeError && /fetch failed|terminated/.test(each.message)) return true;
    if ('code' in each && /^(E[A-Z]+|UND_ERR_\w+)$/.test(String(each.code))) return true;
    if (/ while trying to load file: /.test(each.message)) return true;
  }
  return false;
}

function describeChain(error: unknown): string {
  const words: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause)
    words.push(each.message);
  return words.length === 0 ? String(error) : words.join(': ');
}
