import { useCallback } from 'react';
import type { SearchHit } from '../api/search';
import { useFormats } from './formats';
import { useText } from './text';

/** What of a file matched, such as “Page 3” or “At 12:05”; null for the whole file. */
export function useViewText(): (hit: Pick<SearchHit, 'file' | 'view'>) => string | null {
  const text = useText();
  const formats = useFormats();
  return useCallback(
    ({ file, view }) => {
      if (!view) return null;
      const { kind, number } = view;
      const isMoment = kind === 'frame' && file.mime.startsWith('video/');
      return isMoment
        ? text('search.view.moment', { time: formats.position(number) })
        : text(`search.view.${kind}`, { number });
    },
    [formats, text],
  );
}
