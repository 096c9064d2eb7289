import { useCallback } from 'react';
import { useIntl, type PrimitiveType } from 'react-intl';
import { englishMessage, messageId, type TextKey } from '../translations/messages';

export type Text = (key: TextKey, values?: Record<string, PrimitiveType>) => string;

/** The panel's texts in the user's language; a key that English lacks does not compile. */
export function useText(): Text {
  const intl = useIntl();
  return useCallback<Text>(
    (key, values) =>
      intl.formatMessage({ id: messageId(key), defaultMessage: englishMessage(key) }, values),
    [intl],
  );
}
