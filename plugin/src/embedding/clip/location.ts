import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ClipConfig } from './config';
import type { ModelSource } from './protocol';

/** A folder if `model` is a path (`./model`, `/srv/model`) or exists below the project folder, else a name of the hub. */
export function locateModel(config: ClipConfig, projectFolder: string): ModelSource {
  const { model, cacheFolder, allowDownloads } = config;
  const folder = path.resolve(projectFolder, model);
  // The variable by which all tools of the hub are pointed to a mirror.
  const { HF_ENDPOINT: endpoint = '' } = process.env;
  if (model.startsWith('.') || path.isAbsolute(model) || existsSync(folder)) {
    return { kind: 'folder', path: folder };
  }
  return {
    kind: 'hub',
    name: model,
    cacheFolder: path.resolve(projectFolder, cacheFolder),
    allowDownloads,
    endpoint: endpoint === '' ? null : endpoint,
  };
}

/** Without any path of this machine. */
export function nameOfModel(source: ModelSource): string {
  return source.kind === 'hub' ? source.name : path.basename(source.path);
}
