import { lazy, Suspense, useState } from 'react';
import { useLocation } from 'react-router-dom';
import { SilentBoundary } from './silent-boundary';

const MEDIA_LIBRARY = '/plugins/upload';
/** Where pictures are uploaded from. */
const EDITORIAL_PLACES = [MEDIA_LIBRARY, '/content-manager'];

const MediaLibraryDetails = lazy(() => import('./media-library-details'));
const UploadNotes = lazy(() => import('./upload-notes'));

/** Strapi shows it on every page of the panel. Nothing is loaded before an editor is where pictures are kept. */
export function Companion() {
  const { pathname, search } = useLocation();
  const isEditing = EDITORIAL_PLACES.some((place) => pathname.startsWith(place));
  const [hasEdited, setHasEdited] = useState(false);
  if (isEditing && !hasEdited) setHasEdited(true);
  const fileId = pathname.startsWith(MEDIA_LIBRARY) ? readFileId(search) : null;
  return (
    <SilentBoundary>
      <Suspense fallback={null}>
        {/* Remains after that: what was uploaded is compared a moment later. */}
        {hasEdited && <UploadNotes />}
        {fileId !== null && <MediaLibraryDetails fileId={fileId} />}
      </Suspense>
    </SilentBoundary>
  );
}

function readFileId(search: string): number | null {
  const id = Number(new URLSearchParams(search).get('assetId'));
  return Number.isInteger(id) && id > 0 ? id : null;
}
