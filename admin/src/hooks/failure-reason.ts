import type { TextKey } from '../translations/messages';

/** What an editor can mend by another file. */
const reasonsOfPictures: Record<string, TextKey> = {
  'image-unreadable': 'index.reason.unreadable',
  'image-too-large': 'index.reason.tooLarge',
  'image-unsupported': 'index.reason.unsupported',
  'image-missing': 'index.reason.missing',
  'provider-rejected-input': 'index.reason.rejected',
};

const reasons: Record<string, TextKey> = {
  ...reasonsOfPictures,
  'image-unreachable': 'index.reason.unreachable',
  'storage-refused': 'index.reason.storageRefused',
};

/** Why a picture was given up and what helps, for those who look after the index. */
export function reasonOf(code: string | undefined): TextKey {
  const known = reasons[code ?? ''];
  if (known) return known;
  if (code?.startsWith('provider-')) return 'index.reason.provider';
  if (code?.startsWith('store-')) return 'index.reason.store';
  return 'index.reason.unexpected';
}

/** The same for those who can change the picture alone, and are shown no details. */
export function editorReasonOf(code: string): TextKey {
  return reasonsOfPictures[code] ?? 'index.reason.fault';
}
