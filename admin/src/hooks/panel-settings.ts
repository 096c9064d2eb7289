import { useQuery } from '@tanstack/react-query';
import { panelResponseSchema, type PanelResponse } from '../../../plugin/src/contracts/panel';
import { pluginApi } from '../api/client';

/** What the configuration says of the panel; null until it is known. */
export function usePanelSettings(): PanelResponse['data'] | null {
  const { data } = useQuery({
    queryKey: ['panel-settings'],
    queryFn: ({ signal }) => pluginApi.get('/panel', { schema: panelResponseSchema, signal }),
    staleTime: Infinity,
  });
  return data?.data ?? null;
}
