import { Flex, IconButton, Typography } from '@strapi/design-system';
import { ChevronDown, ChevronUp, Question } from '@strapi/icons';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';
import { EvidenceLine } from './evidence-line';
import type { ShownPair } from './shown-pair';

export interface Place {
  /** Of the group in the list, from 0. */
  index: number;
  count: number;
  hasMore: boolean;
}

interface ReviewHeaderProps {
  shown: ShownPair | null;
  place: Place;
  onGo: (step: 1 | -1) => void;
  onHelp: () => void;
}

/** What was found, where it stands in the list, and the ways on. */
export function ReviewHeader({ shown, place, onGo, onHelp }: ReviewHeaderProps) {
  const text = useText();
  const { index, count, hasMore } = place;
  const isLast = index >= count - 1 && !hasMore;
  return (
    <Flex justifyContent="space-between" alignItems="flex-start" gap={4}>
      <Found>{shown && <EvidenceLine {...shown} />}</Found>
      <Flex gap={2}>
        <Typography variant="pi" textColor="neutral600" style={{ whiteSpace: 'nowrap' }}>
          {text(hasMore ? 'duplicates.placeOfMore' : 'duplicates.place', {
            index: index + 1,
            count,
          })}
        </Typography>
        <IconButton
          label={text('duplicates.previous')}
          aria-keyshortcuts="K"
          disabled={index === 0}
          onClick={() => {
            onGo(-1);
          }}
        >
          <ChevronUp />
        </IconButton>
        <IconButton
          label={text('duplicates.next')}
          aria-keyshortcuts="J"
          disabled={isLast}
          onClick={() => {
            onGo(1);
          }}
        >
          <ChevronDown />
        </IconButton>
        <IconButton label={text('duplicates.help')} aria-keyshortcuts="?" onClick={onHelp}>
          <Question />
        </IconButton>
      </Flex>
    </Flex>
  );
}

const Found = styled.div`
  min-width: 0;
  overflow-wrap: anywhere;
`;
