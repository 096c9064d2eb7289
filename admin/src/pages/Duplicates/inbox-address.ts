import { useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { duplicateKindSchema, pairStatusSchema } from '../../../../plugin/src/contracts/duplicates';
import type { GroupFilter } from '../../api/duplicates';

/** What the page shows, as its address says it: to go back, to reload, to send to a colleague. */
export function useInboxAddress() {
  const [parameters, setParameters] = useSearchParams();
  const filter: GroupFilter = {
    status: pairStatusSchema.catch('open').parse(parameters.get('status')),
    kind: duplicateKindSchema.nullable().catch(null).parse(parameters.get('kind')),
  };
  const pairId = Number(parameters.get('group')) || null;
  const [firstPairId] = useState(pairId);
  return {
    filter,
    /** A pair of the group that is shown. */
    pairId,
    /** The one that the page was opened with. */
    firstPairId,
    setFilter: (change: Partial<GroupFilter>) => {
      const { status, kind } = { ...filter, ...change };
      setParameters({ status, ...(kind && { kind }) });
    },
    /** Going through the groups leaves no trail behind that “back” would have to go. */
    select: (id: number) => {
      const { status, kind } = filter;
      setParameters({ status, ...(kind && { kind }), group: String(id) }, { replace: true });
    },
  };
}
