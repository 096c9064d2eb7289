import { Button, Dialog } from '@strapi/design-system';
import { WarningCircle } from '@strapi/icons';
import { useText } from '../hooks/text';

interface ConfirmationProps {
  title: string;
  question: string;
  /** Label of the confirm button. */
  action: string;
  isDangerous?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before an action that is hard to undo. */
export function Confirmation(props: ConfirmationProps) {
  const { title, question, action, isDangerous = false, onConfirm, onClose } = props;
  const text = useText();
  return (
    <Dialog.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Dialog.Content>
        <Dialog.Header>{title}</Dialog.Header>
        <Dialog.Body
          icon={<WarningCircle aria-hidden fill={isDangerous ? 'danger600' : 'warning600'} />}
        >
          {question}
        </Dialog.Body>
        <Dialog.Footer>
          <Dialog.Cancel>
            <Button variant="tertiary" fullWidth>
              {text('index.cancel')}
            </Button>
          </Dialog.Cancel>
          <Dialog.Action>
            <Button variant={isDangerous ? 'danger' : 'default'} onClick={onConfirm} fullWidth>
              {action}
            </Button>
          </Dialog.Action>
        </Dialog.Footer>
      </Dialog.Content>
    </Dialog.Root>
  );
}
