import * as z from 'zod';

/** A content type or a component as the content manager knows it. */
export interface FieldOwner {
  attributes: Record<string, { type: string; component?: string; components?: string[] }>;
}

export type Components = Record<string, FieldOwner>;

/** A picture that an entry uses. */
export interface EntryPicture {
  id: number;
  name: string;
  /** The field that has it, as the form names it: `cover`, `sections.0.slides.2.image`. */
  path: string;
  /** All that is in that field; null for a field of one file. */
  siblings: readonly unknown[] | null;
}

const objectSchema = z.record(z.string(), z.unknown());
const idSchema = z.object({ id: z.number() });
const fileSchema = z.object({ id: z.number(), name: z.string().catch(''), mime: z.string() });

/** Whether an entry can have media at all, within its components, too. */
export function hasMedia(
  owner: FieldOwner,
  components: Components,
  seen = new Set<string>(),
): boolean {
  return Object.values(owner.attributes).some((attribute) => {
    if (attribute.type === 'media') return true;
    return [attribute.component, ...(attribute.components ?? [])].some((uid) => {
      const component = uid === undefined ? undefined : components[uid];
      if (uid === undefined || !component || seen.has(uid)) return false;
      seen.add(uid);
      return hasMedia(component, components, seen);
    });
  });
}

/** The pictures in a form's values, in the order of the fields, each once. */
export function picturesIn(
  values: unknown,
  owner: FieldOwner,
  components: Components,
): EntryPicture[] {
  const found = [...walk(values, owner, components)];
  return found.filter(({ id }, index) => found.findIndex((other) => other.id === id) === index);
}

/**
 * Where a file goes that is to be used like one of an entry's pictures, and what that field then holds: the file in its
 * place, or beside it in a field of several. Null when the entry, as its values are by now, has that picture no longer.
 */
export function placeBeside(
  picture: Pick<EntryPicture, 'id'>,
  file: { id: number },
  pictures: readonly EntryPicture[],
): { path: string; value: unknown } | null {
  const present = pictures.find(({ id }) => id === picture.id);
  if (!present) return null;
  const { path, siblings } = present;
  if (siblings === null) return { path, value: file };
  const isThere = siblings.some((other) => idSchema.safeParse(other).data?.id === file.id);
  return { path, value: isThere ? siblings : [...siblings, file] };
}

/** @param prefix what the form puts before the names of these fields */
function* walk(
  values: unknown,
  owner: FieldOwner,
  components: Components,
  prefix = '',
): Generator<EntryPicture> {
  const fields = objectSchema.safeParse(values);
  if (!fields.success) return;
  for (const [name, attribute] of Object.entries(owner.attributes)) {
    const value = fields.data[name];
    const path = prefix + name;
    const siblings: readonly unknown[] | null = Array.isArray(value) ? value : null;
    for (const [index, item] of (siblings ?? [value]).entries()) {
      if (attribute.type === 'media') yield* readPicture(item, { path, siblings });
      else if (attribute.type === 'component' || attribute.type === 'dynamiczone') {
        const component = components[attribute.component ?? componentOf(item)];
        const place = siblings ? `${path}.${String(index)}.` : `${path}.`;
        if (component) yield* walk(item, component, components, place);
      }
    }
  }
}

function* readPicture(
  value: unknown,
  place: Pick<EntryPicture, 'path' | 'siblings'>,
): Generator<EntryPicture> {
  const file = fileSchema.safeParse(value);
  if (file.success && file.data.mime.startsWith('image/')) {
    yield { id: file.data.id, name: file.data.name, ...place };
  }
}

function componentOf(item: unknown): string {
  const named = z.object({ __component: z.string() }).safeParse(item);
  return named.success ? named.data.__component : '';
}
