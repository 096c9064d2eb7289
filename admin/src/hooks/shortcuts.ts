import { useEffect, useRef, useState } from 'react';

/** What a key does, by `KeyboardEvent.key`. */
export type Shortcuts = Readonly<Record<string, () => void>>;

const SETTING = 'image-search.shortcuts';
/** Where a key has a meaning of its own. */
const TYPING =
  'input, textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], [role="menu"], [role="dialog"]';

/** Whether single keys are shortcuts: those who speak to their computer, or miss keys, can switch it off. */
export function useShortcutSetting(): [boolean, (isOn: boolean) => void] {
  const [isOn, setOn] = useState(() => localStorage.getItem(SETTING) !== 'off');
  return [
    isOn,
    (wish) => {
      localStorage.setItem(SETTING, wish ? 'on' : 'off');
      setOn(wish);
    },
  ];
}

/** Calls what a key stands for, unless somebody types, a dialog is open or another key is held. */
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

function isFree({ target, altKey, ctrlKey, metaKey, defaultPrevented }: KeyboardEvent): boolean {
  if (altKey || ctrlKey || metaKey || defaultPrevented) return false;
  if (target instanceof Element && target.closest(TYPING)) return false;
  return document.querySelector('[role="dialog"], [role="alertdialog"]') === null;
}
