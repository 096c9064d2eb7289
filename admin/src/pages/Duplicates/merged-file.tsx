import { Box, Flex, Typography } from '@strapi/design-system';
import { styled } from 'styled-components';
import type { FileUse, MergedFile } from '../../../../plugin/src/contracts/merging';
import { useText, type Text } from '../../hooks/text';

const outcomeColours = { kept: 'success', removed: 'danger', left: 'warning' } as const;

/** What becomes of one file of a merge, and the places that use it. */
export function MergedFileView({ file }: { file: MergedFile }) {
  const text = useText();
  const { name, outcome, uses, useCount } = file;
  const unseen = useCount - uses.length;
  return (
    <Box>
      <Flex gap={2} wrap="wrap">
        <Outcome $colour={outcomeColours[outcome]}>{text(`duplicates.outcome.${outcome}`)}</Outcome>
        <Typography fontWeight="semiBold" textColor="neutral800">
          {name}
        </Typography>
        <Typography variant="pi" textColor="neutral600">
          {text('duplicates.report.used', { count: useCount })}
        </Typography>
      </Flex>
      {uses.length > 0 && (
        <Uses>
          <summary>{text(`duplicates.report.uses.${outcome}`, { count: useCount })}</summary>
          <ul>
            {uses.map((use) => (
              <li key={`${use.contentType.uid} ${String(use.entryId)} ${use.path} ${use.kind}`}>
                <Use use={use} />
              </li>
            ))}
          </ul>
          {unseen > 0 && text('duplicates.report.moreUses', { count: unseen })}
        </Uses>
      )}
    </Box>
  );
}

function Use({ use }: { use: FileUse }) {
  const text = useText();
  return (
    <>
      <Typography variant="pi" textColor="neutral800">
        {useTitle(use)}
      </Typography>{' '}
      <Typography variant="pi" textColor="neutral600">
        {useDetails(use, text)}
      </Typography>
      {use.obstacle && (
        <Typography tag="p" variant="pi" textColor="neutral800" fontWeight="semiBold">
          {use.obstacle}
        </Typography>
      )}
    </>
  );
}

function useTitle({ contentType, title, entryId }: FileUse): string {
  return `${contentType.displayName}: ${title ?? `#${String(entryId)}`}`;
}

function useDetails({ path, locale, status }: FileUse, text: Text): string {
  return [path, locale, status && text(`duplicates.use.${status}`)].filter(Boolean).join(' · ');
}

// Strapi's badge is too pale to be read where it says “deleted”.
const Outcome = styled.span<{ $colour: 'success' | 'danger' | 'warning' }>`
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[2]}`};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme, $colour }) => theme.colors[`${$colour}100`]};
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
`;

const Uses = styled.details`
  margin-top: ${({ theme }) => theme.spaces[1]};
  color: ${({ theme }) => theme.colors.neutral600};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  & > summary {
    cursor: pointer;
    border-radius: ${({ theme }) => theme.borderRadius};
    &:focus-visible {
      outline: 2px solid ${({ theme }) => theme.colors.primary600};
    }
  }
  & > ul {
    max-height: 18rem;
    overflow-y: auto;
    padding: ${({ theme }) => theme.spaces[2]} 0 0 ${({ theme }) => theme.spaces[5]};
    list-style: disc;
  }
`;
