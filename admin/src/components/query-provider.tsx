import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { isNetworkFailure } from '../api/failure';

const MAX_RETRIES = 2;
/** How soon a server is noticed that is back. */
const BACK_MS = 5_000;

/** Shared by all pages, widgets and editors, so that each reuses what another has loaded. */
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The browser may think it is offline while Strapi, on the same machine, responds.
      networkMode: 'always',
      refetchOnWindowFocus: false,
      // A server that says what is wrong would only say it again.
      refetchInterval: ({ state }) => (isNetworkFailure(state.error) ? BACK_MS : false),
      retry: (failures, error) => failures < MAX_RETRIES && isNetworkFailure(error),
    },
    mutations: { networkMode: 'always' },
  },
});

/** Wraps every part of the panel that sends requests. */
export function QueryProvider({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
}
