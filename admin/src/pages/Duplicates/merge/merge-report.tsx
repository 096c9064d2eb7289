import { Box, Flex, Typography } from '@strapi/design-system';
import { WarningCircle } from '@strapi/icons';
import type { ReactNode } from 'react';
import { styled } from 'styled-components';
import type {
  FileUse,
  MergedFile,
  MergeReport,
  MergeWarning,
  SuggestionReason,
} from '../../../../../plugin/src/contracts/merging';
import { useText, type Text } from '../../../hooks/text';

/** What a merge would do, or did. */
export function MergeReportView({ report }: { report: MergeReport }) {
  const text = useText();
  const { carriedOver, warnings, files, suggestion } = report;
  const carried = carriedLines(carriedOver, text);
  const suggested = files.find(({ id }) => id === suggestion.fileId)?.name ?? '';
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Typography textColor="neutral600">{suggestionText(report, suggested, text)}</Typography>
      {warnings.map((warning) => (
        <Warning key={`${warning.code} ${String(warning.fileId)}`}>
          {warningText(warning, report, text)}
        </Warning>
      ))}
      <Section title={text('duplicates.report.files')}>
        {files.map((file) => (
          <MergedFileView key={file.id} file={file} />
        ))}
      </Section>
      {carried.length > 0 && (
        <Section title={text('duplicates.report.carried')}>
          {carried.map((line) => (
            <Typography key={line} tag="p" textColor="neutral800">
              {line}
            </Typography>
          ))}
        </Section>
      )}
      <Typography variant="pi" textColor="neutral600">
        {report.trashDays > 0
          ? text('duplicates.report.trash', { days: report.trashDays })
          : text('duplicates.report.irreversible')}
      </Typography>
    </Flex>
  );
}

/** Which file the server suggests to keep, and why. */
export function suggestionText(
  { suggestion: { fileId, reasons } }: MergeReport,
  name: string,
  text: Text,
): string {
  if (fileId === null || reasons.length === 0) return text('duplicates.suggestion.none');
  const facts = reasons.map((reason) => reasonText(reason, text)).join(', ');
  return text('duplicates.suggestion', { name, reasons: facts });
}

function reasonText({ criterion, others, value }: SuggestionReason, text: Text): string {
  if (criterion === 'pixels' && (value === null || others === null)) {
    return text('duplicates.reason.vector');
  }
  return text(`duplicates.reason.${criterion}`, { value, others });
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Flex direction="column" alignItems="stretch" gap={2} tag="section">
      <Typography variant="sigma" tag="h3" textColor="neutral600">
        {title}
      </Typography>
      {children}
    </Flex>
  );
}

function Warning({ children }: { children: string }) {
  return (
    <Box padding={3} background="warning100" hasRadius>
      <Flex gap={2} alignItems="flex-start">
        <WarningMark aria-hidden />
        <Typography textColor="neutral800">{children}</Typography>
      </Flex>
    </Box>
  );
}

function carriedLines(
  { alternativeText, caption, folder }: MergeReport['carriedOver'],
  text: Text,
): string[] {
  const lines = [
    alternativeText && text('duplicates.carried.alternativeText', { value: alternativeText }),
    caption && text('duplicates.carried.caption', { value: caption }),
    folder && text('duplicates.carried.folder', { value: folder.name }),
  ];
  return lines.filter((line): line is string => Boolean(line));
}

function warningText(
  { code, count = 0, effect, fileId }: MergeWarning,
  report: MergeReport,
  text: Text,
): string {
  const copy = report.files.find(({ id }) => id === fileId);
  const kept = report.files.find(({ id }) => id === report.keepId);
  return text(`duplicates.warning.${code}`, {
    copy: copy?.name ?? '',
    kept: kept?.name ?? '',
    reason: copy?.obstacle ? text(`duplicates.copyReason.${copy.obstacle.code}`) : '',
    effect: effect ? text(`duplicates.effect.${effect}`) : '',
    count,
  });
}

const outcomeColors = {
  kept: 'success',
  trashed: 'warning',
  removed: 'danger',
  left: 'warning',
} as const;

/** The outcome for one file, and where it is used. */
function MergedFileView({ file }: { file: MergedFile }) {
  const text = useText();
  const { addresses, name, outcome, possibleUseCount, uses, useCount } = file;
  const unseen = useCount + possibleUseCount - uses.length;
  return (
    <Box>
      <Flex gap={2} wrap="wrap">
        <Outcome $color={outcomeColors[outcome]}>{text(`duplicates.outcome.${outcome}`)}</Outcome>
        <Typography fontWeight="semiBold" textColor="neutral800">
          {name}
        </Typography>
        <Typography variant="pi" textColor="neutral600">
          {text('duplicates.report.used', { count: useCount })}
          {possibleUseCount > 0 &&
            ` · ${text('duplicates.report.possible', { count: possibleUseCount })}`}
        </Typography>
      </Flex>
      {uses.length > 0 && (
        <Uses>
          <summary>
            {text(`duplicates.report.uses.${useCount > 0 ? outcome : 'left'}`, { count: useCount })}
          </summary>
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
      {addresses.length > 0 && (
        <Uses>
          <summary>{text('duplicates.report.addresses', { count: addresses.length })}</summary>
          <ul>
            {addresses.map((address) => (
              <li key={address}>{address}</li>
            ))}
          </ul>
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
        {titleOf(use, text)}
      </Typography>{' '}
      <Typography variant="pi" textColor="neutral600">
        {detailsOf(use, text)}
      </Typography>
      {use.obstacle && (
        <Typography tag="p" variant="pi" textColor="neutral800" fontWeight="semiBold">
          {text(`duplicates.obstacle.${use.obstacle.code}`, { value: use.obstacle.value ?? '' })}
        </Typography>
      )}
    </>
  );
}

function titleOf({ contentType, title, entryId }: FileUse, text: Text): string {
  const type = contentType.kind === 'setting' ? text('duplicates.use.setting') : null;
  return `${type ?? contentType.displayName}: ${title ?? `#${String(entryId)}`}`;
}

function detailsOf({ certainty, contentType, locale, mention, path, status }: FileUse, text: Text) {
  const isSetting = contentType.kind === 'setting';
  return [
    !isSetting && path,
    !isSetting && mention,
    certainty === 'possible' && text('duplicates.use.possible'),
    locale,
    status && text(`duplicates.use.${status}`),
  ]
    .filter(Boolean)
    .join(' · ');
}

const WarningMark = styled(WarningCircle)`
  flex-shrink: 0;
  margin-top: 2px;
  & path {
    fill: ${({ theme }) => theme.colors.warning600};
  }
`;

// Strapi's badge lacks contrast in red.
const Outcome = styled.span<{ $color: 'success' | 'danger' | 'warning' }>`
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[2]}`};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme, $color }) => theme.colors[`${$color}100`]};
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
