import { Page } from '@strapi/strapi/admin';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Navigate, Route, Routes, useLocation } from 'react-router-dom';
import { isSignedOut } from '../api/failure';
import { pageLinks, PageNavigation, Protected } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { useImageSearchPermissions } from '../hooks/permissions';
import { forgetPlace, rememberPlace, useUserId } from '../hooks/session-place';

const SearchPage = lazy(() => import('./Search/search-page'));
const MapPage = lazy(() => import('./Map/map-page'));
const DuplicatesPage = lazy(() => import('./Duplicates/duplicates-page'));
const IndexPage = lazy(() => import('./Index/index-page'));

const pages = [
  { path: 'search', action: 'search', Component: SearchPage },
  { path: 'map', action: 'search', Component: MapPage },
  { path: 'duplicates', action: 'duplicates', Component: DuplicatesPage },
  { path: 'index', action: 'manage', Component: IndexPage },
] as const;

export default function App() {
  return (
    <QueryProvider>
      <SessionEnd />
      <PageNavigation />
      <Suspense fallback={<Page.Loading />}>
        <Routes>
          <Route index element={<FirstPage />} />
          {pages.map(({ path, action, Component }) => (
            <Route
              key={path}
              path={path}
              element={
                <Protected action={action}>
                  <Component />
                </Protected>
              }
            />
          ))}
          <Route path="*" element={<Navigate to=".." replace />} />
        </Routes>
      </Suspense>
    </QueryProvider>
  );
}

/**
 * Once the session has ended, leads to Strapi's sign-in; `useReturn` leads back. Strapi notices by its own requests only, so
 * the page is loaded again, which keeps its query in the address.
 */
function SessionEnd() {
  const client = useQueryClient();
  const { pathname, search } = useLocation();
  const userId = useUserId();
  useEffect(() => {
    const end = (error: unknown): void => {
      if (userId === undefined || !isSignedOut(error)) return;
      if (!rememberPlace(`${pathname}${search}`, userId)) return;
      window.location.reload();
    };
    const unsubscribe = [
      client.getQueryCache().subscribe((event) => {
        if (event.type !== 'updated') return;
        if (event.action.type === 'success') forgetPlace();
        else end(event.query.state.error);
      }),
      client.getMutationCache().subscribe(({ mutation }) => {
        end(mutation?.state.error);
      }),
    ];
    return () => {
      for (const stop of unsubscribe) stop();
    };
  }, [client, pathname, search, userId]);
  return null;
}

/** Redirects to the first page that the role may see. */
function FirstPage() {
  const { isLoading, may } = useImageSearchPermissions();
  const { search } = useLocation();
  if (isLoading) return <Page.Loading />;
  const first = pageLinks.find(({ action }) => may[action]);
  return first ? (
    <Navigate to={{ pathname: first.path, search }} replace />
  ) : (
    <Page.NoPermissions />
  );
}
