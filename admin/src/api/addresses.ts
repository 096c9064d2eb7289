import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';

/** Of the search for pictures like a file, within the panel. */
export function similarAddress(fileId: number): string {
  return `/plugins/${PLUGIN_ID}/search?like=${String(fileId)}`;
}

/** Of the duplicates that a pair belongs to, within the panel. */
export function duplicatesAddress(pairId: number): string {
  return `/plugins/${PLUGIN_ID}/duplicates?group=${String(pairId)}`;
}

/** Of the page about the index, within the panel. */
export const INDEX_ADDRESS = `/plugins/${PLUGIN_ID}/index`;

/** Of the Media Library with the details of a file open, within the panel. */
export function mediaLibraryAddress(fileId: number): string {
  return `/plugins/upload?assetId=${String(fileId)}`;
}
