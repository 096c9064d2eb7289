import { useNotification } from '@strapi/strapi/admin';
import { absoluteUrl, type Asset } from '../api/asset';
import { useAllowedActions } from './permissions';
import { useText } from './text';

const actions = {
  move: 'plugin::upload.assets.update',
  download: 'plugin::upload.assets.download',
  copyLink: 'plugin::upload.assets.copy-link',
};
const wantedActions = Object.values(actions);

/** What the Media Library lets the user's role do. */
export function useLibraryPermissions() {
  const { allowed } = useAllowedActions(wantedActions);
  return {
    canMove: allowed.has(actions.move),
    canDownload: allowed.has(actions.download),
    canCopyLink: allowed.has(actions.copyLink),
  };
}

/** Saves and copies files, and says how it went. */
export function useFileActions() {
  const text = useText();
  const { toggleNotification } = useNotification();

  async function download(assets: readonly Asset[]): Promise<void> {
    for (const asset of assets) {
      try {
        await save(asset);
      } catch {
        const message = text('search.selection.downloadFailed', { name: asset.name });
        toggleNotification({ type: 'danger', message });
      }
    }
  }

  async function copyLinks(assets: readonly Asset[]): Promise<void> {
    try {
      await navigator.clipboard.writeText(assets.map(linkOf).join('\n'));
      const message = text('search.selection.copied', { count: assets.length });
      toggleNotification({ type: 'success', message });
    } catch {
      toggleNotification({ type: 'danger', message: text('search.selection.copyFailed') });
    }
  }

  return { download, copyLinks };
}

/** Through a copy in memory: browsers show a picture of another host instead of saving it. */
async function save({ name, url }: Asset): Promise<void> {
  const response = await fetch(absoluteUrl(url));
  if (!response.ok) throw new Error(`The file answered ${String(response.status)}.`);
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

function linkOf({ url }: Asset): string {
  return new URL(absoluteUrl(url), window.location.href).href;
}
