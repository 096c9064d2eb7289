import { Typography } from '@strapi/design-system';
import type { Pair } from '../../api/duplicates';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';

/** Who decided about a pair, and when. */
export function DecidedLine({ pair: { status, decision } }: { pair: Pair }) {
  const text = useText();
  const formats = useFormats();
  if (!decision || status === 'open') return null;
  const name = decision.by?.name ?? text('duplicates.decided.unknown');
  return (
    <Typography tag="p" textColor="neutral700">
      {text(`duplicates.decided.${status}`, { name, when: formats.moment(decision.at) })}
    </Typography>
  );
}
