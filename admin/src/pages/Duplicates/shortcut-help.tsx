import { Button, Checkbox, Flex, Modal, Typography } from '@strapi/design-system';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';

const keys = [
  { keys: ['J', '↓'], action: 'next' },
  { keys: ['K', '↑'], action: 'previous' },
  { keys: ['1'], action: 'keepLeft' },
  { keys: ['2'], action: 'keepRight' },
  { keys: ['I'], action: 'ignore' },
  { keys: ['U'], action: 'undo' },
  { keys: ['?'], action: 'help' },
] as const;

interface ShortcutHelpProps {
  isOn: boolean;
  onSwitch: (isOn: boolean) => void;
  onClose: () => void;
}

/** What the keys do; they can be switched off here. */
export function ShortcutHelp({ isOn, onSwitch, onClose }: ShortcutHelpProps) {
  const text = useText();
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('duplicates.help.close')}>
          <Modal.Title>{text('duplicates.help')}</Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Flex direction="column" alignItems="stretch" gap={4}>
            <Keys>
              {keys.map(({ keys: names, action }) => (
                <div key={action}>
                  <dt>
                    {names.map((name) => (
                      <kbd key={name}>{name}</kbd>
                    ))}
                  </dt>
                  <Typography tag="dd" textColor="neutral800">
                    {text(`duplicates.help.${action}`)}
                  </Typography>
                </div>
              ))}
            </Keys>
            <Typography variant="pi" textColor="neutral600">
              {text('duplicates.help.arrows')}
            </Typography>
            <Checkbox
              checked={isOn}
              onCheckedChange={(checked) => {
                onSwitch(checked === true);
              }}
            >
              {text('duplicates.help.switch')}
            </Checkbox>
          </Flex>
        </Modal.Body>
        <Modal.Footer>
          <Button variant="tertiary" onClick={onClose}>
            {text('duplicates.help.close')}
          </Button>
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
  );
}

const Keys = styled.dl`
  display: grid;
  gap: ${({ theme }) => theme.spaces[2]};
  & > div {
    display: grid;
    grid-template-columns: 8rem 1fr;
    align-items: center;
  }
  kbd {
    display: inline-block;
    min-width: 2.4rem;
    margin-inline-end: ${({ theme }) => theme.spaces[1]};
    padding: 0 ${({ theme }) => theme.spaces[1]};
    border: 1px solid ${({ theme }) => theme.colors.neutral300};
    border-radius: ${({ theme }) => theme.borderRadius};
    color: ${({ theme }) => theme.colors.neutral800};
    font-family: inherit;
    font-size: ${({ theme }) => theme.fontSizes[1]};
    line-height: 2.2rem;
    text-align: center;
  }
`;
