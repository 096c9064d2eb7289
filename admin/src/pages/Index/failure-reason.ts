import type { TextKey } from '../../translations/messages';

const reasons: Record<string, TextKey> = {
  'image-unreadable': 'index.reason.unreadable',
  'image-too-large': 'index.reason.tooLarge',
  'image-unsupported': 'index.reason.unsupported',
  'image-missing': 'index.reason.missing',
  'image-unreachable': 'index.reason.unreachable',
  'storage-refused': 'index.reason.storageRefused',
  'provider-rejected-input': 'index.reason.rejected',
};

/** Why a picture was given up and what helps, for those who did not write the software. */
export function reasonOf(code: string | undefined): TextKey {
  const known = reasons[code ?? ''];
  if (known) return known;
  if (code?.startsWith('provider-')) return 'index.reason.provider';
  if (code?.startsWith('store-')) return 'index.reason.store';
  return 'index.reason.unexpected';
}
