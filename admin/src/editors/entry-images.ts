import * as z from 'zod';

/** A content type or component, as the content manager describes it. */
export interface FieldOwner {
  attributes: Record<string, { type: string; component?: string; components?: string[] }>;
}

export type Components = Record<string, FieldOwner>;

/** An image that an entry uses. */
export interface EntryImage {
  id: number;
  name: string;
  /** Path of its field in the form: `cover`, `sections.0.slides.2.image`. */
  path: string;
  /** Everything in that field; null for a field of a single file. */
  siblings: readonly unknown[] | null;
}

const objectSchema = z.record(z.string(), z.unknown());
const idSchema = z.object({ id: z.number() });
const fileSchema = z.object({ id: z.number(), name: z.string().catch(''), mime: z.string() });

/** Whether an entry can have media, in its components or itself. */
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

/** The images in a form's values, in the order of the fields, without repeats. */
export function imagesIn(values: unknown, owner: FieldOwner, components: Components): EntryImage[] {
  const found = [...walk(values, owner, components)];
  return found.filter(({ id }, index) => found.findIndex((other) => other.id === id) === index);
}

/**
 * Which field to change, and to what, to use a file instead of one of an entry's images, or beside it in a field of several.
 *
 * @param images of the entry as it is now
 * @returns null when the entry no longer has that image
 */
export function placeBeside(
  image: Pick<EntryImage, 'id'>,
  file: { id: number },
  images: readonly EntryImage[],
): { path: string; value: unknown } | null {
  const present = images.find(({ id }) => id === image.id);
  if (!present) return null;
  const { path, siblings } = present;
  if (siblings === null) return { path, value: file };
  const isThere = siblings.some((other) => idSchema.safeParse(other).data?.id === file.id);
  return { path, value: isThere ? siblings : [...siblings, file] };
}

/** @param prefix path of the component that the fields belong to */
function* walk(
  values: unknown,
  owner: FieldOwner,
  components: Components,
  prefix = '',
): Generator<EntryImage> {
  const fields = objectSchema.safeParse(values);
  if (!fields.success) return;
  for (const [name, attribute] of Object.entries(owner.attributes)) {
    const value = fields.data[name];
    const path = prefix + name;
    const siblings: readonly unknown[] | null = Array.isArray(value) ? value : null;
    for (const [index, item] of (siblings ?? [value]).entries()) {
      if (attribute.type === 'media') yield* readImage(item, { path, siblings });
      else if (attribute.type === 'component' || attribute.type === 'dynamiczone') {
        const component = components[attribute.component ?? componentOf(item)];
        const place = siblings ? `${path}.${String(index)}.` : `${path}.`;
        if (component) yield* walk(item, component, components, place);
      }
    }
  }
}

function* readImage(
  value: unknown,
  place: Pick<EntryImage, 'path' | 'siblings'>,
): Generator<EntryImage> {
  const file = fileSchema.safeParse(value);
  if (file.success && file.data.mime.startsWith('image/')) {
    yield { id: file.data.id, name: file.data.name, ...place };
  }
}

function componentOf(item: unknown): string {
  const named = z.object({ __component: z.string() }).safeParse(item);
  return named.success ? named.data.__component : '';
}
