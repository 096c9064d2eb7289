/** From outside a dialog's React tree, these would close it. */
const PRESSES = ['pointerdown', 'mousedown', 'focusin'];

/** An element to insert into Strapi's markup, for a portal. Presses in it don't close the dialog that it is in. */
export function createHost(): HTMLElement {
  const host = document.createElement('div');
  for (const press of PRESSES) {
    host.addEventListener(press, (event) => {
      event.stopPropagation();
    });
  }
  return host;
}

/**
 * Keeps an element where `insert` puts it, also when Strapi renders its markup again.
 *
 * @param insert puts the element into the page and returns whether it found its place
 * @returns stops, and removes the element
 */
export function keepInserted(
  root: Element,
  {
    insert,
    onChange,
  }: { insert: (host: HTMLElement) => boolean; onChange: (host: HTMLElement | null) => void },
): () => void {
  const host = createHost();
  let isInserted = false;
  const check = (): void => {
    if (root.contains(host)) return;
    const wasInserted = isInserted;
    isInserted = insert(host);
    if (isInserted !== wasInserted) onChange(isInserted ? host : null);
  };
  const observer = new MutationObserver(check);
  observer.observe(root, { childList: true, subtree: true });
  check();
  return () => {
    observer.disconnect();
    host.remove();
    onChange(null);
  };
}
