import { Box, Flex, Typography } from '@strapi/design-system';
import { WarningCircle } from '@strapi/icons';
import type { ReactNode } from 'react';
import { styled } from 'styled-components';
import type { MergeReport, MergeWarning } from '../../../../plugin/src/contracts/merging';
import { useText, type Text } from '../../hooks/text';
import { MergedFileView } from './merged-file';
import { suggestionText } from './decision-bar';

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
        {text('duplicates.report.forGood')}
      </Typography>
    </Flex>
  );
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

const WarningMark = styled(WarningCircle)`
  flex-shrink: 0;
  margin-top: 2px;
  & path {
    fill: ${({ theme }) => theme.colors.warning600};
  }
`;

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

function warningText({ code, fileId }: MergeWarning, report: MergeReport, text: Text): string {
  const copy = report.files.find(({ id }) => id === fileId);
  const kept = report.files.find(({ id }) => id === report.keepId);
  return text(`duplicates.warning.${code}`, {
    copy: copy?.name ?? '',
    kept: kept?.name ?? '',
    reason: copy?.obstacle ?? '',
  });
}
