import {
  unstable_useContentManagerContext as useContentManagerContext,
  useForm,
} from '@strapi/strapi/admin';
import { lazy, Suspense } from 'react';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { hasMedia, picturesIn, placeBeside, type EntryPicture } from './entry-pictures';
import { SilentBoundary } from './silent-boundary';

const SimilarPictures = lazy(() => import('./similar-pictures'));

/**
 * Pictures of the library that are like those which an entry uses, beside its form. Nothing for entries without media, and
 * for roles that may not search.
 */
export function SimilarPanel() {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const { contentType, components } = useContentManagerContext();
  const { values, getValues, onChange, disabled } = useForm('SimilarPanel', (state) => state);
  if (!may.search || !contentType || !hasMedia(contentType, components)) return null;
  // The form may have changed while the file was fetched.
  const use = (picture: EntryPicture, file: { id: number }): void => {
    const place = placeBeside(picture, file, picturesIn(getValues(), contentType, components));
    if (place) onChange(place.path, place.value);
  };
  return {
    title: text('widgets.similar.title'),
    content: (
      <SilentBoundary>
        <Suspense fallback={null}>
          <SimilarPictures
            pictures={picturesIn(values, contentType, components)}
            onUse={disabled ? null : use}
          />
        </Suspense>
      </SilentBoundary>
    ),
  };
}
