import {
  unstable_useContentManagerContext as useContentManagerContext,
  useForm,
} from '@strapi/strapi/admin';
import { lazy, Suspense, useState } from 'react';
import { useLocation } from 'react-router-dom';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useReturn } from '../hooks/session-place';
import { useText } from '../hooks/text';
import { hasMedia, mediaFieldsIn, valueWith } from './entry-images';
import { SilentBoundary } from './silent-boundary';

const MEDIA_LIBRARY = '/plugins/upload';

/** Where editors upload images. */
const UPLOAD_PAGES = [MEDIA_LIBRARY, '/content-manager'];

const MediaLibraryDetails = lazy(() => import('./media-library-details'));

const UploadWarnings = lazy(() => import('./upload-warnings'));

const SimilarImages = lazy(() => import('./similar-images'));

/** Strapi renders it on every page. Loads nothing until the user opens a page with uploads. */
export function Companion() {
  useReturn();
  const { pathname, search } = useLocation();
  const isEditing = UPLOAD_PAGES.some((page) => pathname.startsWith(page));
  const [hasEdited, setHasEdited] = useState(false);
  if (isEditing && !hasEdited) setHasEdited(true);
  const fileId = pathname.startsWith(MEDIA_LIBRARY) ? readFileId(search) : null;
  return (
    <SilentBoundary>
      <Suspense fallback={null}>
        {/* Stays mounted: an upload is compared only a moment later. */}
        {hasEdited && <UploadWarnings />}
        {fileId !== null && <MediaLibraryDetails fileId={fileId} />}
      </Suspense>
    </SilentBoundary>
  );
}

function readFileId(search: string): number | null {
  const id = Number(new URLSearchParams(search).get('assetId'));
  return Number.isInteger(id) && id > 0 ? id : null;
}

/**
 * A panel beside an entry's form, with library images like those it uses or like words. Nothing for entries without media
 * and for roles that may not search.
 */
export function SimilarPanel() {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const { contentType, components } = useContentManagerContext();
  const { values, getValues, onChange, disabled } = useForm('SimilarPanel', (state) => state);
  if (!may.search || !contentType || !hasMedia(contentType, components)) return null;
  // Read the values again: the form may have changed while the file was loading.
  const use = (path: string, file: { id: number }): void => {
    const fields = mediaFieldsIn(getValues(), contentType, components);
    const field = fields.find((other) => other.path === path);
    if (field) onChange(path, valueWith(field, file));
  };
  return {
    title: text('widgets.similar.title'),
    content: (
      <SilentBoundary>
        <Suspense fallback={null}>
          <SimilarImages
            fields={mediaFieldsIn(values, contentType, components)}
            onUse={disabled ? null : use}
          />
        </Suspense>
      </SilentBoundary>
    ),
  };
}
