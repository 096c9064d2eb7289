import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { readQuery, writeQuery, type SearchQuery } from './query';

const TYPING_PAUSE_MS = 300;

/**
 * The query in the page's address, and a way to change it. Each change is a step back in the browser's history; typing is
 * one step for all letters.
 */
export function useQueryState(): {
  query: SearchQuery;
  change: (next: SearchQuery) => void;
  /** What the field shows, ahead of the address by a pause in typing. */
  typed: string;
  type: (text: string) => void;
  /** While letters are being composed to a character, as in Japanese, nothing is looked for. */
  compose: (isComposing: boolean) => void;
  /** Ends the pause. */
  submit: () => void;
} {
  const [parameters, setParameters] = useSearchParams();
  const address = parameters.toString();
  const query = useMemo(() => readQuery(new URLSearchParams(address)), [address]);
  const [draft, setDraft] = useState<string | null>(null);
  /** What typing has put into the address last. */
  const [applied, setApplied] = useState<string | null>(null);
  const [shown, setShown] = useState(query.text);
  const [isComposing, setIsComposing] = useState(false);
  /** Whether the newest step of the history is one that typing has made. */
  const isTyping = useRef(false);

  // Back, forward and links change the address alone: the field follows. Letters typed meanwhile stay.
  if (query.text !== shown) {
    setShown(query.text);
    if (query.text !== applied) setDraft(null);
  }

  const change = useCallback(
    (next: SearchQuery) => {
      // Letters of the last moment go along.
      const text = draft !== null && next.text === query.text ? draft.trim() : next.text;
      isTyping.current = false;
      setDraft(null);
      setParameters(writeQuery({ ...next, text }));
    },
    [draft, query.text, setParameters],
  );

  const apply = useCallback(
    (draftText: string) => {
      const text = draftText.trim();
      if (text === query.text) return;
      setApplied(text);
      setParameters(writeQuery({ ...query, text }), { replace: isTyping.current });
      isTyping.current = true;
    },
    [query, setParameters],
  );

  useEffect(() => {
    if (draft === null || isComposing) return undefined;
    const timer = setTimeout(() => {
      apply(draft);
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [draft, isComposing, apply]);

  const submit = useCallback(() => {
    if (draft !== null) apply(draft);
    isTyping.current = false;
  }, [draft, apply]);

  return {
    query,
    change,
    typed: draft ?? query.text,
    type: setDraft,
    compose: setIsComposing,
    submit,
  };
}
