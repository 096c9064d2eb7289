import { Search } from '@strapi/icons';
import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { useLocation, useNavigate, useSearchParams } from 'react-router-dom';
import { styled } from 'styled-components';
import { searchAddress } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { usePanelSettings } from '../hooks/panel-settings';
import { useText } from '../hooks/text';
import { keepInserted } from './host';

/** A field for image search in the header of Strapi's Media Library, the new one and the legacy one. */
export default function MediaLibraryField() {
  return (
    <QueryProvider>
      <EnabledField />
    </QueryProvider>
  );
}

function EnabledField() {
  const settings = usePanelSettings();
  const { pathname } = useLocation();
  const host = useHeaderHost();
  // Its settings are a form that a search would leave.
  const isSettings = pathname.endsWith('/configuration');
  if (settings?.mediaLibrary !== true || host === null || isSettings) return null;
  return createPortal(<Field />, host);
}

/** Searches in the folder that is open, on the page of this plugin. */
function Field() {
  const text = useText();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const [words, setWords] = useState('');
  return (
    <Form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        navigate(searchAddress({ text: words.trim(), folder: parameters.get('folder') }));
      }}
    >
      <SubmitButton type="submit" aria-label={text('common.name')} title={text('common.name')}>
        <Search aria-hidden />
      </SubmitButton>
      <input
        type="text"
        autoComplete="off"
        enterKeyHint="search"
        aria-label={text('picker.mediaLibrary')}
        placeholder={text('picker.mediaLibrary')}
        value={words}
        onChange={({ target }) => {
          setWords(target.value);
        }}
      />
    </Form>
  );
}

/** Between the title and the buttons of the page's header; null while there is none. */
function useHeaderHost(): HTMLElement | null {
  const [host, setHost] = useState<HTMLElement | null>(null);
  useEffect(
    () =>
      keepInserted(document.body, {
        insert: (element) => {
          const row = rowOf(document.querySelector('main h1'));
          if (!row) return false;
          element.style.marginLeft = 'auto';
          row.firstElementChild?.after(element);
          return true;
        },
        onChange: setHost,
      }),
    [],
  );
  return host;
}

/** The nearest element that lays out the title and something beside it in a row. */
function rowOf(title: Element | null): Element | null {
  for (let row = title?.parentElement; row && row.tagName !== 'MAIN'; row = row.parentElement) {
    const { display, flexDirection, justifyContent } = getComputedStyle(row);
    const isRow = display === 'flex' && flexDirection === 'row';
    if (isRow && justifyContent === 'space-between') return row;
  }
  return null;
}

const Form = styled.form`
  display: flex;
  align-items: center;
  height: 3.2rem;
  width: 26rem;
  max-width: 100%;
  background: ${({ theme }) => theme.colors.neutral0};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  &:focus-within {
    border-color: ${({ theme }) => theme.colors.primary600};
    box-shadow: ${({ theme }) => theme.colors.primary600} 0 0 0 2px;
  }
  input {
    flex: 1;
    min-width: 0;
    border: 0;
    outline: 0;
    background: transparent;
    color: ${({ theme }) => theme.colors.neutral800};
    font-size: ${({ theme }) => theme.fontSizes[1]};
    &::placeholder {
      color: ${({ theme }) => theme.colors.neutral600};
      opacity: 1;
    }
  }
  /* There is room for its button, which leads to the search page. */
  @media (max-width: 40rem) {
    width: auto;
    flex-shrink: 0;
    input {
      display: none;
    }
  }
`;

const SubmitButton = styled.button`
  display: inline-flex;
  padding: ${({ theme }) => theme.spaces[2]};
  cursor: pointer;
  color: ${({ theme }) => theme.colors.neutral600};
  svg {
    width: 1.2rem;
    height: 1.2rem;
  }
`;
