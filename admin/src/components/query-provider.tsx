import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiFailure } from '../api/failure';

const MOST_RETRIES = 2;

/** One for all pages and widgets of the panel: what one has loaded another need not ask for. */
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Strapi may well answer while the browser believes to be offline, and if not, that is to be said.
      networkMode: 'always',
      refetchOnWindowFocus: false,
      // A refusal stays a refusal; a server that says what is wrong is shown, not hammered.
      retry: (failures, error) => failures < MOST_RETRIES && isNetworkFailure(error),
    },
    mutations: { networkMode: 'always' },
  },
});

/** Around everything of this plugin that asks the server. */
export function QueryProvider({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
}

function isNetworkFailure(error: unknown): boolean {
  return error instanceof ApiFailure && error.code === 'network';
}
