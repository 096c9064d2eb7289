import { Box, Flex, Tooltip, Typography } from '@strapi/design-system';
import { Information } from '@strapi/icons';
import { styled } from 'styled-components';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { describePair, describePart, evidenceNumbers } from './evidence';
import type { ShownPair } from './shown-pair';

/** Why two files are held for duplicates: in words, with the numbers for those who point at them. */
export function EvidenceLine({ left, right, pair }: ShownPair) {
  const text = useText();
  const formats = useFormats();
  const numbers = evidenceNumbers(pair, text, formats);
  const part = describePart(pair, [left, right], text);
  return (
    <Box>
      <Flex gap={2}>
        <Typography variant="beta" tag="h2">
          {text(describePair(pair))}
        </Typography>
        {numbers.length > 0 && (
          <Tooltip label={<Numbers lines={numbers} />}>
            <Hint type="button" aria-label={`${text('duplicates.numbers')}: ${numbers.join('; ')}`}>
              <Information aria-hidden />
            </Hint>
          </Tooltip>
        )}
      </Flex>
      <Typography variant="pi" textColor="neutral600">
        {part ?? text('duplicates.pairNames', { left: left.name, right: right.name })}
      </Typography>
    </Box>
  );
}

function Numbers({ lines }: { lines: readonly string[] }) {
  return (
    <>
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </>
  );
}

const Hint = styled.button`
  display: inline-flex;
  padding: 0;
  border: 0;
  border-radius: 50%;
  background: none;
  color: ${({ theme }) => theme.colors.neutral600};
  cursor: help;
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;
