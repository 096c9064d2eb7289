import { Flex, SingleSelect, SingleSelectOption } from '@strapi/design-system';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router-dom';
import { styled } from 'styled-components';
import {
  duplicateKindSchema,
  pairStatusSchema,
} from '../../../../../plugin/src/contracts/duplicates';
import type { GroupFilter } from '../../../api/duplicates';
import type { Counts } from '../../../hooks/duplicates';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';

/** Filter and selection, kept in the address so that links, reloads and the back button work. */
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
    /** A pair of the selected group. */
    pairId,
    /** The pair that the page was opened with. */
    firstPairId,
    setFilter: (change: Partial<GroupFilter>) => {
      const { status, kind } = { ...filter, ...change };
      setParameters({ status, ...(kind && { kind }) });
    },
    /** Replaces the history entry, so that “back” leaves the page instead of walking through groups. */
    select: (id: number) => {
      const { status, kind } = filter;
      setParameters({ status, ...(kind && { kind }), group: String(id) }, { replace: true });
    },
  };
}

const ANY_KIND = 'any';

interface InboxFiltersProps {
  filter: GroupFilter;
  /** Null until they have loaded. */
  counts: Counts | null;
  onChange: (change: Partial<GroupFilter>) => void;
  /** Actions on all groups. */
  children?: ReactNode;
}

/** Filters the list by review status and kind of duplicate. */
export function InboxFilters({ children, filter, counts, onChange }: InboxFiltersProps) {
  const text = useText();
  return (
    <Flex justifyContent="space-between" gap={4} wrap="wrap">
      <Flex gap={1} role="group" aria-label={text('duplicates.filter.status')}>
        {pairStatusSchema.options.map((status) => (
          <StatusButton
            key={status}
            status={status}
            count={counts?.[status] ?? null}
            isChosen={status === filter.status}
            onChoose={() => {
              onChange({ status });
            }}
          />
        ))}
      </Flex>
      <Flex gap={3} wrap="wrap">
        {children}
        {filter.status !== 'merged' && (
          <SingleSelect
            aria-label={text('duplicates.filter.kind')}
            size="S"
            value={filter.kind ?? ANY_KIND}
            onChange={(value) => {
              onChange({ kind: duplicateKindSchema.nullable().catch(null).parse(value) });
            }}
          >
            <SingleSelectOption value={ANY_KIND}>{text('duplicates.kind.any')}</SingleSelectOption>
            {duplicateKindSchema.options.map((kind) => (
              <SingleSelectOption key={kind} value={kind}>
                {text(`duplicates.kind.${kind}`)}
              </SingleSelectOption>
            ))}
          </SingleSelect>
        )}
      </Flex>
    </Flex>
  );
}

interface StatusButtonProps {
  status: GroupFilter['status'];
  count: number | null;
  isChosen: boolean;
  onChoose: () => void;
}

function StatusButton({ status, count, isChosen, onChoose }: StatusButtonProps) {
  const text = useText();
  const formats = useFormats();
  return (
    <Choice type="button" aria-pressed={isChosen} onClick={onChoose}>
      {text(`duplicates.status.${status}`)}
      {count !== null && <Count>{formats.number(count)}</Count>}
    </Choice>
  );
}

const Choice = styled.button`
  display: inline-flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[2]};
  padding: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[3]}`};
  border: 1px solid transparent;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: none;
  color: ${({ theme }) => theme.colors.neutral600};
  font-size: ${({ theme }) => theme.fontSizes[2]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
  cursor: pointer;
  &:hover {
    background: ${({ theme }) => theme.colors.neutral150};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
  &[aria-pressed='true'] {
    background: ${({ theme }) => theme.colors.primary100};
    border-color: ${({ theme }) => theme.colors.primary200};
    color: ${({ theme }) => theme.colors.primary700};
  }
`;

const Count = styled.span`
  font-variant-numeric: tabular-nums;
  font-weight: ${({ theme }) => theme.fontWeights.regular};
`;
