import * as z from 'zod';

/** A content type or component, as the content manager describes it. */
export interface FieldOwner {
  attributes: Record<
    string,
    {
      type: string;
      multiple?: boolean | undefined;
      allowedTypes?: string | readonly (string | undefined)[] | null | undefined;
      component?: string;
      components?: string[];
    }
  >;
}

export type Components = Record<string, FieldOwner>;

/** A field of an entry's form that takes images. */
export interface MediaField {
  /** In the form: `cover`, `sections.0.slides.2.image`. */
  path: string;
  /** In its content type or component. */
  name: string;
  multiple: boolean;
  files: readonly unknown[];
}

/** An image that an entry uses. */
export interface EntryImage {
  id: number;
  name: string;
  /** Of its field. */
  path: string;
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

/** The fields for images in a form's values, in their order. */
export function mediaFieldsIn(
  values: unknown,
  owner: FieldOwner,
  components: Components,
): MediaField[] {
  return [...walk(values, owner, components)];
}

/** The images in the fields, in the order of the fields, without repeats. */
export function imagesIn(fields: readonly MediaField[]): EntryImage[] {
  const found = fields.flatMap(({ path, files }) =>
    files.flatMap((value) => {
      const file = fileSchema.safeParse(value).data;
      return file?.mime.startsWith('image/') ? [{ id: file.id, name: file.name, path }] : [];
    }),
  );
  return found.filter(({ id }, index) => found.findIndex((other) => other.id === id) === index);
}

/** Whether a file that is put into a field takes the place of another. */
export function isReplaced({ multiple, files }: MediaField): boolean {
  return !multiple && files.length > 0;
}

/** What a field holds once a file is put into it: beside others in a field of several, once. */
export function valueWith({ multiple, files }: MediaField, file: { id: number }): unknown {
  if (!multiple) return file;
  const isThere = files.some((other) => idSchema.safeParse(other).data?.id === file.id);
  return isThere ? files : [...files, file];
}

/** @param prefix path of the component that the fields belong to */
function* walk(
  values: unknown,
  owner: FieldOwner,
  components: Components,
  prefix = '',
): Generator<MediaField> {
  const fields = objectSchema.safeParse(values);
  if (!fields.success) return;
  for (const [name, attribute] of Object.entries(owner.attributes)) {
    const value = fields.data[name];
    const path = prefix + name;
    const isList = Array.isArray(value);
    const items: readonly unknown[] = isList ? value : [value];
    if (attribute.type === 'media') {
      const { multiple = false, allowedTypes } = attribute;
      const files = items.filter((item) => idSchema.safeParse(item).success);
      const allowed = [allowedTypes ?? []].flat();
      if (allowed.length === 0 || allowed.includes('images')) yield { path, name, multiple, files };
    } else if (attribute.type === 'component' || attribute.type === 'dynamiczone') {
      for (const [index, item] of items.entries()) {
        const component = components[attribute.component ?? componentOf(item)];
        const place = isList ? `${path}.${String(index)}.` : `${path}.`;
        if (component) yield* walk(item, component, components, place);
      }
    }
  }
}

function componentOf(item: unknown): string {
  const named = z.object({ __component: z.string() }).safeParse(item);
  return named.success ? named.data.__component : '';
}
