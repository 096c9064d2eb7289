import { lazy, Suspense, useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { styled } from 'styled-components';
import type { WholeFile } from '../api/library';
import { QueryProvider } from '../components/query-provider';
import { usePanelSettings } from '../hooks/panel-settings';
import { useText } from '../hooks/text';
import type { AllowedTypes } from '../pages/Search/query';
import { keepInserted } from './host';

const PickerDialog = lazy(() => import('./picker-dialog'));

interface PickerTabProps {
  /** Strapi's dialog, or any other. */
  dialog: Element;
  allowedTypes: AllowedTypes;
  multiple: boolean;
  onPick: (files: readonly WholeFile[], finish: () => void) => void;
}

/** A tab “Image search” in Strapi's dialog for picking files; nothing in another dialog. */
export default function PickerTab(props: PickerTabProps) {
  return (
    <QueryProvider>
      <EnabledTab {...props} />
    </QueryProvider>
  );
}

function EnabledTab(props: PickerTabProps) {
  const settings = usePanelSettings();
  return settings?.imagePicker === true ? <Tab {...props} /> : null;
}

function Tab({ dialog, onPick, ...props }: PickerTabProps) {
  const text = useText();
  const host = useTabHost(dialog);
  const [isOpen, setIsOpen] = useState(false);
  useHiding(dialog, isOpen);
  if (host === null) return null;
  return (
    <>
      {createPortal(
        <TabButton
          type="button"
          aria-haspopup="dialog"
          onClick={() => {
            setIsOpen(true);
          }}
        >
          {text('picker.tab')}
        </TabButton>,
        host,
      )}
      {isOpen && (
        <Suspense fallback={null}>
          <PickerDialog
            {...props}
            title={dialog.querySelector('h2')?.textContent ?? text('picker.tab')}
            onBack={() => {
              setIsOpen(false);
            }}
            onCancel={() => {
              setIsOpen(false);
              footerButtonsOf(dialog)[0]?.click();
            }}
            onPick={(files) => {
              setIsOpen(false);
              onPick(files, () => footerButtonsOf(dialog).at(-1)?.click());
            }}
          />
        </Suspense>
      )}
    </>
  );
}

/** Beside the tabs of Strapi's dialog; null while it shows something else. */
function useTabHost(dialog: Element): HTMLElement | null {
  const [host, setHost] = useState<HTMLElement | null>(null);
  useEffect(
    () =>
      keepInserted(dialog, {
        insert: (element) => {
          const tabs = dialog.querySelector('[role="tab"][id$="-trigger-selected"]')?.parentElement;
          if (!tabs || footerButtonsOf(dialog).length < 2) return false;
          element.style.marginRight = 'auto';
          tabs.after(element);
          return true;
        },
        onChange: setHost,
      }),
    [dialog],
  );
  return host;
}

/** “Cancel” and “Finish”. */
function footerButtonsOf(dialog: Element): HTMLButtonElement[] {
  return [...dialog.querySelectorAll<HTMLButtonElement>(':scope > footer button')];
}

/** Hides Strapi's dialog, with its shade, behind the one that takes its place. */
function useHiding(dialog: Element, isHidden: boolean): void {
  useEffect(() => {
    if (!isHidden) return undefined;
    setVisibility(dialog, 'hidden');
    return () => {
      setVisibility(dialog, '');
    };
  }, [dialog, isHidden]);
}

function setVisibility({ parentElement: shade }: Element, visibility: string): void {
  if (shade && shade !== document.body) shade.style.visibility = visibility;
}

/** Looks like the tabs beside it. */
const TabButton = styled.button`
  padding: ${({ theme }) => theme.spaces[4]};
  cursor: pointer;
  border-bottom: 2px solid transparent;
  color: ${({ theme }) => theme.colors.neutral600};
  font-size: ${({ theme }) => theme.fontSizes[0]};
  font-weight: ${({ theme }) => theme.fontWeights.bold};
  line-height: ${({ theme }) => theme.lineHeights[4]};
  text-transform: uppercase;
  &:hover {
    color: ${({ theme }) => theme.colors.primary600};
  }
`;
