import { Flex, Typography } from '@strapi/design-system';
import { useIntl, type IntlShape } from 'react-intl';
import type { SearchHit } from '../../api/search';
import { useText } from '../../hooks/text';

const BYTES_PER_KILOBYTE = 1_000;
const KILOBYTES_PER_MEGABYTE = 1_000;
const SCORE_DIGITS = 3;

/** All that is known of a file, one line each. */
export function DetailsList({ hit: { file, score } }: { hit: SearchHit }) {
  const text = useText();
  const intl = useIntl();
  const unknown = text('search.details.unknown');
  const { width, height, size, createdAt } = file;
  const lines = [
    ['alternativeText', file.alternativeText?.trim() ? file.alternativeText : null],
    ['caption', file.caption],
    ['dimensions', width && height ? `${String(width)} × ${String(height)}` : unknown],
    ['size', size ? formatSize(intl, size) : unknown],
    ['type', (file.ext ?? file.mime).replace(/^\./, '').toUpperCase()],
    ['uploaded', createdAt ? intl.formatDate(createdAt, { dateStyle: 'long' }) : unknown],
    ['folder', file.folder?.name ?? text('search.details.topFolder')],
    ['similarity', score.toFixed(SCORE_DIGITS)],
  ] as const;
  return (
    <Flex tag="dl" direction="column" alignItems="stretch" gap={3}>
      {lines.map(([name, value]) => {
        if (name === 'caption' && !value) return null;
        return (
          <Flex key={name} alignItems="baseline" gap={4}>
            <Typography tag="dt" variant="pi" textColor="neutral600" width="12rem" shrink={0}>
              {text(`search.details.${name}`)}
            </Typography>
            <Typography tag="dd" textColor={value ? 'neutral800' : 'neutral600'}>
              {value ?? text('search.details.noAlternativeText')}
            </Typography>
          </Flex>
        );
      })}
    </Flex>
  );
}

/** @param kilobytes of 1,000 bytes, as Strapi counts */
function formatSize(intl: IntlShape, kilobytes: number): string {
  const unit = { style: 'unit', maximumFractionDigits: 1 } as const;
  if (kilobytes < 1) {
    return intl.formatNumber(kilobytes * BYTES_PER_KILOBYTE, { ...unit, unit: 'byte' });
  }
  return kilobytes < KILOBYTES_PER_MEGABYTE
    ? intl.formatNumber(Math.round(kilobytes), { ...unit, unit: 'kilobyte' })
    : intl.formatNumber(kilobytes / KILOBYTES_PER_MEGABYTE, { ...unit, unit: 'megabyte' });
}
