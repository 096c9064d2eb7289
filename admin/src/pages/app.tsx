import { Page } from '@strapi/strapi/admin';
import { lazy, Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router-dom';
import { pageLinks, PageNavigation, Protected } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { useImageSearchPermissions } from '../hooks/permissions';

const SearchPage = lazy(() => import('./Search/search-page'));
const DuplicatesPage = lazy(() => import('./Duplicates/duplicates-page'));
const IndexPage = lazy(() => import('./Index/index-page'));

const pages = [
  { path: 'search', action: 'search', Component: SearchPage },
  { path: 'duplicates', action: 'duplicates', Component: DuplicatesPage },
  { path: 'index', action: 'manage', Component: IndexPage },
] as const;

export default function App() {
  return (
    <QueryProvider>
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

/** Redirects to the first page that the role may see. */
function FirstPage() {
  const { isLoading, may } = useImageSearchPermissions();
  if (isLoading) return <Page.Loading />;
  const first = pageLinks.find(({ action }) => may[action]);
  return first ? <Navigate to={first.path} replace /> : <Page.NoPermissions />;
}
