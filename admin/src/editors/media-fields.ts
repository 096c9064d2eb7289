import { useEffect, useState, type DragEvent } from 'react';
import type { WholeFile } from '../api/library';

/** A media field of the form on this page. */
export interface MountedField {
  /** As its form names it. */
  name: string;
  fileIds: readonly number[];
  /** Puts a file into the place of another; null when the entry can't be edited. */
  replace: ((fileId: number, by: WholeFile) => void) | null;
}

const mounted = new Set<MountedField>();
const listeners = new Set<() => void>();

/** Lists a field until the returned function is called. */
export function mountField(field: MountedField): () => void {
  mounted.add(field);
  notify();
  return () => {
    mounted.delete(field);
    notify();
  };
}

/** The media fields on this page, whichever form they belong to. */
export function mountedFields(): readonly MountedField[] {
  return [...mounted];
}

/** `mountedFields`; renders again when they change. */
export function useMountedFields(): readonly MountedField[] {
  const [fields, setFields] = useState(mountedFields);
  useEffect(() => {
    const update = (): void => {
      setFields(mountedFields());
    };
    listeners.add(update);
    update();
    return () => {
      listeners.delete(update);
    };
  }, []);
  return fields;
}

function notify(): void {
  for (const listener of listeners) listener();
}

const DRAGGED = 'application/x-image-search-';

/** Lets an element be dragged onto a media field, as a file of the library. */
export function startDragging({ dataTransfer }: DragEvent, file: DraggedFile): void {
  dataTransfer.setData(`${DRAGGED}${kindOf(file.mime)}`, String(file.id));
  dataTransfer.effectAllowed = 'copy';
}

interface DraggedFile {
  id: number;
  mime: string;
}

/** Whether a file of the library is dragged, rather than one of the user's computer. */
export function isOwnDrag({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.some((type) => type.startsWith(DRAGGED));
}

/** Whether a field takes what is dragged over it; browsers reveal only its type before it is dropped. */
export function accepts(
  { dataTransfer }: DragEvent,
  allowedTypes: readonly string[] | null,
): boolean {
  const dragged = dataTransfer.types.find((type) => type.startsWith(DRAGGED));
  if (dragged === undefined) return false;
  if (!allowedTypes || allowedTypes.length === 0) return true;
  return allowedTypes.includes(dragged.slice(DRAGGED.length));
}

/** Of the file of the library that is dropped; null for anything else. */
export function droppedId({ dataTransfer }: DragEvent): number | null {
  const dragged = dataTransfer.types.find((type) => type.startsWith(DRAGGED));
  return (dragged !== undefined && Number(dataTransfer.getData(dragged))) || null;
}

/** As Strapi's media fields call types of files. */
function kindOf(mime: string): string {
  const [kind] = mime.split('/');
  return kind === 'image' || kind === 'video' || kind === 'audio' ? `${kind}s` : 'files';
}
