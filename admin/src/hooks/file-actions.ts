import { useNotification } from '@strapi/strapi/admin';
import { absoluteUrl, type Asset } from '../api/asset';
import { useText } from './text';

/** Downloads files and copies their links; reports failures as notifications. */
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

/** Loads the file first: browsers open files of other hosts instead of saving them. */
async function save({ name, url }: Asset): Promise<void> {
  const response = await fetch(absoluteUrl(url));
  if (!response.ok) throw new Error(`The file responded with ${String(response.status)}.`);
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
