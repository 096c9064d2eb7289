import type { SpaceStatus } from '../../../../plugin/src/contracts/management';
import type { Status } from '../../api/management';
import { useFormats } from '../../hooks/formats';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { Confirmation } from './confirmation';

/** What an operator wants of a space. */
export interface Intent {
  what: 'activate' | 'drop';
  space: SpaceStatus;
}

interface SpaceQuestionProps {
  intent: Intent;
  status: Status;
  onClose: () => void;
}

/** Says what comes of it, and does it when that is wanted. */
export function SpaceQuestion({ intent: { what, space }, status, onClose }: SpaceQuestionProps) {
  const text = useText();
  const formats = useFormats();
  const actions = useIndexActions();
  const { counts, model } = space;
  const { failed, indexed, skipped } = counts;
  const filling = status.spaces.find(
    ({ isConfigured, role }) => isConfigured && role === 'filling',
  );
  const values = {
    ...{ model, filling: filling?.model },
    indexed: formats.number(indexed),
    total: formats.number(status.total),
    missing: Math.max(0, status.total - indexed - failed - skipped),
    next: filling && (filling.id === space.id ? 'itself' : 'another'),
  };
  return (
    <Confirmation
      title={text(`index.spaces.${what}.title`)}
      question={text(`index.spaces.${what}.question`, values)}
      action={text(`index.spaces.${what}`)}
      isDangerous={what === 'drop'}
      onConfirm={() => {
        actions[what].mutate(space.id);
      }}
      onClose={onClose}
    />
  );
}
