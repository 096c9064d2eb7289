import { Button, Checkbox, Flex, Modal, Typography } from '@strapi/design-system';
import { useEffect, useRef, useState } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../../hooks/text';

/** Actions by `KeyboardEvent.key`. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** Calls the action of a pressed key, unless the user is typing, a dialog is open or a modifier is held. */
export function useShortcuts(shortcuts: Shortcuts, isOn: boolean): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    if (!isOn) return;
    const listen = (event: KeyboardEvent): void => {
      const action = latest.current[event.key];
      if (!action || event.repeat || !isFree(event)) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', listen);
    return () => {
      window.removeEventListener('keydown', listen);
    };
  }, [isOn]);
}

/** Elements that handle keys themselves. */
const TYPING =
  'input, textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], [role="menu"], [role="dialog"]';

function isFree({ target, altKey, ctrlKey, metaKey, defaultPrevented }: KeyboardEvent): boolean {
  if (altKey || ctrlKey || metaKey || defaultPrevented) return false;
  if (target instanceof Element && target.closest(TYPING)) return false;
  return document.querySelector('[role="dialog"], [role="alertdialog"]') === null;
}

const SETTING = 'image-search.shortcuts';

/** Single-key shortcuts can be switched off: they get in the way of speech input and of tremors (WCAG 2.1.4). */
export function useShortcutSetting(): [boolean, (isOn: boolean) => void] {
  const [isOn, setOn] = useState(() => localStorage.getItem(SETTING) !== 'off');
  return [
    isOn,
    (next) => {
      localStorage.setItem(SETTING, next ? 'on' : 'off');
      setOn(next);
    },
  ];
}

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

/** Lists the shortcuts and switches them on or off. */
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

/** The shortcut of the button it stands in. */
export const KeyHint = styled.kbd.attrs({ 'aria-hidden': true })`
  display: inline-block;
  min-width: 2rem;
  margin-inline-start: ${({ theme }) => theme.spaces[2]};
  padding: 0 ${({ theme }) => theme.spaces[1]};
  border: 1px solid currentcolor;
  border-radius: ${({ theme }) => theme.borderRadius};
  font-family: inherit;
  font-size: 1.1rem;
  font-weight: ${({ theme }) => theme.fontWeights.regular};
  line-height: 1.6rem;
  text-align: center;
  opacity: 0.75;
`;
