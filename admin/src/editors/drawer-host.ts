import { useEffect, useState } from 'react';

/** The details of a file slide in from the side; other dialogs do not. */
const DRAWER = '[role="dialog"][data-animation-direction="left"]';
/** Outside of React's tree these would count as a press outside of the drawer, and close it. */
const PRESSES = ['pointerdown', 'mousedown', 'focusin'];

/**
 * An element at the end of the Media Library's drawer, for as long as that is open; null without one. Strapi has no place
 * for plugins there: when it changes the drawer, nothing is shown.
 */
export function useDrawerHost(): HTMLElement | null {
  const [host, setHost] = useState<HTMLElement | null>(null);
  useEffect(() => {
    let current: HTMLElement | null = null;
    const look = (): void => {
      const drawer = document.querySelector(DRAWER);
      if (drawer !== null && current !== null && drawer.contains(current)) return;
      current?.remove();
      current = drawer === null ? null : createHost();
      if (current) (drawer?.firstElementChild ?? drawer)?.append(current);
      setHost(current);
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
    return () => {
      observer.disconnect();
      current?.remove();
    };
  }, []);
  return host;
}

function createHost(): HTMLElement {
  const host = document.createElement('div');
  // Last, though the drawer may still be loading what it shows.
  host.style.order = '1';
  for (const press of PRESSES) {
    host.addEventListener(press, (event) => {
      event.stopPropagation();
    });
  }
  return host;
}
