/** Of the Media Library with the details of a file open, within the panel. */
export function mediaLibraryAddress(fileId: number): string {
  return `/plugins/upload?assetId=${String(fileId)}`;
}
