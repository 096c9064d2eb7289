import { useNotification } from '@strapi/strapi/admin';
import { useEffect, useRef, useState } from 'react';
import { useHref, useLocation } from 'react-router-dom';
import { notesResponseSchema, type NotesResponse } from '../../../plugin/src/contracts/duplicates';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import { assetSchema } from '../api/asset';
import { pluginApi } from '../api/client';
import { duplicatesAddress, mediaLibraryAddress } from '../components/navigation';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { useMountedFields } from './media-fields';
import { UploadNotice } from './upload-notice';

const POLL_EVERY_MS = 4_000;

/** A slow model takes up to a minute to compare an upload. */
const POLL_FOR_MS = 90_000;

const SHOWN_FOR_MS = 15_000;

type Note = NotesResponse['data'][number];

/**
 * Warns users who upload an image that the library already has, if the configuration says so: beside a form with media
 * fields by a notice that can put the existing file into the field, elsewhere by Strapi's own.
 */
export default function UploadWarnings() {
  const notify = useNotify();
  const { pathname } = useLocation();
  const hasFields = useMountedFields().length > 0;
  const [notes, setNotes] = useState<readonly Note[]>([]);
  const [place, setPlace] = useState(pathname);
  if (place !== pathname) {
    setPlace(pathname);
    // Notes stay with their form: another one may have the file, too.
    if (!isSameForm(place, pathname)) setNotes([]);
  }
  const uploadedAt = useRef<string | null>(null);
  const warn = (note: Note): void => {
    const isHere = uploadedAt.current !== null && isSameForm(uploadedAt.current, pathname);
    if (hasFields && isHere) setNotes((others) => [...others, note]);
    else notify(note);
  };
  const latest = useRef({ pathname, warn });
  useEffect(() => {
    latest.current = { pathname, warn };
  });
  useEffect(() => {
    const ended = new AbortController();
    void warnAfterUploads({
      onUpload: () => {
        uploadedAt.current = latest.current.pathname;
      },
      warn: (note) => {
        latest.current.warn(note);
      },
      signal: ended.signal,
    });
    return () => {
      ended.abort();
    };
  }, []);
  const describe = useNoteTexts();
  const [note] = notes;
  // Without a form, nothing can be exchanged.
  if (!note || !hasFields) return null;
  return (
    <UploadNotice
      key={note.pair.id}
      {...describe(note)}
      file={{ id: note.file.id, name: nameOf(note.file) }}
      existing={{ id: note.duplicateOf.id, name: nameOf(note.duplicateOf) }}
      onDismiss={() => {
        setNotes((shown) => shown.filter((other) => other !== note));
      }}
    />
  );
}

/** A new entry's form gets the entry's address when it is saved. */
function isSameForm(before: string, now: string): boolean {
  const list = /^(.*)\/create$/.exec(before)?.[1];
  return before === now || (list !== undefined && now.startsWith(`${list}/`));
}

interface UploadWatch {
  onUpload: () => void;
  warn: (note: Note) => void;
  signal: AbortSignal;
}

/** Polls for notes after every upload; does nothing if the configuration turns warnings off. */
async function warnAfterUploads({ onUpload, signal, warn }: UploadWatch): Promise<void> {
  try {
    const { after, warnsUploaders } = (await fetchNotes(undefined, signal)).meta;
    if (!warnsUploaders) return;
    let seen = after;
    const poll = async (): Promise<void> => {
      const known = Math.max(seen, notedPairs.read() ?? 0);
      const { data, meta } = await fetchNotes(known, signal);
      const unseen = data.filter(({ pair }) => pair.id > (notedPairs.read() ?? 0));
      seen = Math.max(known, meta.after);
      notedPairs.write(seen);
      for (const note of unseen) warn(note);
    };
    watchUploads(() => {
      onUpload();
      pollForAWhile(poll, signal);
    }, signal);
  } catch {
    // Warnings are optional: don't bother users with an error.
  }
}

let pollUntil = 0;

/** Another upload extends the time. */
function pollForAWhile(poll: () => Promise<void>, signal: AbortSignal): void {
  const isPolling = pollUntil > Date.now();
  pollUntil = Date.now() + POLL_FOR_MS;
  if (isPolling) return;
  const timer = setInterval(() => {
    if (signal.aborted || Date.now() > pollUntil) clearInterval(timer);
    else if (!document.hidden) poll().catch(() => undefined);
  }, POLL_EVERY_MS);
}

function fetchNotes(after: number | undefined, signal: AbortSignal): Promise<NotesResponse> {
  return pluginApi.get('/duplicates/notes', {
    schema: notesResponseSchema,
    query: { after },
    signal,
  });
}

function useNoteTexts(): (note: Note) => { message: string; address: string } {
  const text = useText();
  const { may } = useImageSearchPermissions();
  return ({ pair, file, duplicateOf }) => ({
    message: text(`widgets.note.${pair.kind}`, {
      file: nameOf(file),
      duplicateOf: nameOf(duplicateOf),
    }),
    address: may.duplicates ? duplicatesAddress(pair.id) : mediaLibraryAddress(duplicateOf.id),
  });
}

function useNotify(): (note: Note) => void {
  const text = useText();
  const describe = useNoteTexts();
  const { toggleNotification } = useNotification();
  const home = useHref('/').replace(/\/$/, '');
  return (note) => {
    const { address, message } = describe(note);
    toggleNotification({
      type: 'warning',
      message,
      link: { label: text('widgets.note.open'), url: `${home}${address}` },
      timeout: SHOWN_FOR_MS,
    });
  };
}

function nameOf(file: Note['file']): string {
  const asset = assetSchema.safeParse(file);
  return asset.success && asset.data.name !== '' ? asset.data.name : String(file.id);
}

const NOTED_PAIRS_KEY = `${PLUGIN_ID}.noted-pairs`;

/**
 * The last pair of duplicates that this browser warned about, shared by its tabs so that each pair is reported once. Null
 * when unknown or when the browser stores nothing.
 */
const notedPairs = {
  read(): number | null {
    try {
      const after = Number(localStorage.getItem(NOTED_PAIRS_KEY) ?? Number.NaN);
      return Number.isInteger(after) ? after : null;
    } catch {
      return null;
    }
  },
  write(after: number): void {
    try {
      localStorage.setItem(NOTED_PAIRS_KEY, String(after));
    } catch {
      // Without storage, this page alone remembers it.
    }
  },
};

const UPLOAD_PATH = /\/upload(\/files(\/\d+\/replace)?)?$/;

const SENT_BY_SCRIPTS = ['fetch', 'xmlhttprequest'];

/**
 * Calls back when this page has uploaded a file, whichever part of Strapi did it: the browser's performance entries list
 * all requests. Stops when the signal is aborted.
 */
function watchUploads(onUpload: () => void, signal: AbortSignal): void {
  if (typeof PerformanceObserver === 'undefined') return;
  const observer = new PerformanceObserver((list) => {
    const requests = list.getEntriesByType('resource') as PerformanceResourceTiming[];
    if (requests.some(isUpload)) onUpload();
  });
  observer.observe({ type: 'resource' });
  signal.addEventListener('abort', () => {
    observer.disconnect();
  });
}

/** Requests for lists of files have a query, too; updates of a single file have its `id`. */
function isUpload({ name, initiatorType }: PerformanceResourceTiming): boolean {
  if (!SENT_BY_SCRIPTS.includes(initiatorType)) return false;
  const { pathname, searchParams } = new URL(name);
  const isQuery = searchParams.size > 0 && !searchParams.has('id');
  return UPLOAD_PATH.test(pathname) && !isQuery;
}
