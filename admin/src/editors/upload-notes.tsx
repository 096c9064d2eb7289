import { useNotification } from '@strapi/strapi/admin';
import { useEffect, useRef } from 'react';
import { useHref } from 'react-router-dom';
import { notesResponseSchema, type NotesResponse } from '../../../plugin/src/contracts/duplicates';
import { pluginApi } from '../api/client';
import { assetSchema } from '../api/asset';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { duplicatesAddress, mediaLibraryAddress } from '../api/addresses';
import { notedPairs } from './noted-pairs';
import { watchUploads } from './upload-watch';

const ASK_EVERY_MS = 4_000;
/** Comparing an upload takes a moment; a slow model takes a minute. */
const ASK_FOR_MS = 90_000;
const SHOWN_FOR_MS = 15_000;

type Note = NotesResponse['data'][number];

/** Tells whoever uploads a picture that the library has it already, if the configuration wants that. Draws nothing. */
export default function UploadNotes() {
  const tell = useTelling();
  const latest = useRef(tell);
  useEffect(() => {
    latest.current = tell;
  });
  useEffect(() => {
    const ended = new AbortController();
    void follow((note) => {
      latest.current(note);
    }, ended.signal);
    return () => {
      ended.abort();
    };
  }, []);
  return null;
}

/** Asks for notes for a while after every upload; gives up silently where nobody is to be told. */
async function follow(tell: (note: Note) => void, signal: AbortSignal): Promise<void> {
  try {
    const { after, isWarning } = (await fetchNotes(undefined, signal)).meta;
    if (!isWarning) return;
    let seen = after;
    const ask = async (): Promise<void> => {
      const known = Math.max(seen, notedPairs.read() ?? 0);
      const { data, meta } = await fetchNotes(known, signal);
      const untold = data.filter(({ pair }) => pair.id > (notedPairs.read() ?? 0));
      seen = Math.max(known, meta.after);
      notedPairs.write(seen);
      for (const note of untold) tell(note);
    };
    watchUploads(() => {
      askForAWhile(ask, signal);
    }, signal);
  } catch {
    // No notes are better than a notice that something else does not work.
  }
}

let askUntil = 0;

/** A further upload prolongs the time. */
function askForAWhile(ask: () => Promise<void>, signal: AbortSignal): void {
  const isAsking = askUntil > Date.now();
  askUntil = Date.now() + ASK_FOR_MS;
  if (isAsking) return;
  const timer = setInterval(() => {
    if (signal.aborted || Date.now() > askUntil) clearInterval(timer);
    else if (!document.hidden) ask().catch(() => undefined);
  }, ASK_EVERY_MS);
}

function fetchNotes(after: number | undefined, signal: AbortSignal): Promise<NotesResponse> {
  return pluginApi.get('/duplicates/notes', {
    schema: notesResponseSchema,
    query: { after },
    signal,
  });
}

function useTelling(): (note: Note) => void {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const { toggleNotification } = useNotification();
  const home = useHref('/').replace(/\/$/, '');
  return ({ pair, file, duplicateOf }) => {
    const address = may.duplicates
      ? duplicatesAddress(pair.id)
      : mediaLibraryAddress(duplicateOf.id);
    toggleNotification({
      type: 'warning',
      message: text(`widgets.note.${pair.kind}`, {
        file: nameOf(file),
        duplicateOf: nameOf(duplicateOf),
      }),
      link: { label: text('widgets.note.open'), url: `${home}${address}` },
      timeout: SHOWN_FOR_MS,
    });
  };
}

function nameOf(file: Note['file']): string {
  const asset = assetSchema.safeParse(file);
  return asset.success && asset.data.name !== '' ? asset.data.name : String(file.id);
}
