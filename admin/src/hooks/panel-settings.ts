import { useQuery } from '@tanstack/react-query';
import { panelResponseSchema, type PanelResponse } from '../../../plugin/src/contracts/management';
import { pluginApi } from '../api/client';

/** What the configuration enables in the panel; null until it has loaded. */
export function usePanelSettings(): PanelResponse['data'] | null {
  const { data } = useQuery({
    queryKey: ['panel-settings'],
    queryFn: ({ signal }) => pluginApi.get('/panel', { schema: panelResponseSchema, signal }),
    staleTime: Infinity,
  });
  return data?.data ?? null;
}
