import { PLUGIN_ID } from '../plugin-id';
import type { FileNames, LocatedUse, RawUse } from './contract';
import type { DatabaseTables } from './database-tables';
import { findIdsInJson } from './file-ids';
import { obstacle } from './obstacles';
import { mentions } from './texts';

/** Where Strapi and its plugins keep their settings, e-mail templates of users-permissions among them. */
const CORE_STORE = 'strapi::core-store';
/** Layouts, schemas and counters, whose numbers are no ids of files. */
const WITHOUT_IDS =
  /^(?:strapi_|model_def_|plugin_(?:content_manager|content-manager|i18n|upload)_)/;

interface Setting {
  id: number;
  key: string;
  value: string | null;
}

/** Settings that refer to these files; there are some hundred rows, which are read in one statement. */
export async function findSettingUses(
  tables: DatabaseTables,
  files: readonly FileNames[],
): Promise<RawUse[]> {
  const rows: Setting[] = await tables
    .table(tables.tableOf(CORE_STORE))
    .select(['id', 'key', 'value'])
    .orderBy('id');
  return rows.flatMap(({ id, key, value }) => {
    if (value === null || key.startsWith(`plugin_${PLUGIN_ID}_`)) return [];
    const content = parse(value);
    return files.flatMap((file) => {
      const place = placeOf(content, file) ?? idIn(content, { key, fileId: file.id });
      if (place === null) return [];
      const mention = place === '' ? key : `${key}: ${place}`;
      return [
        {
          fileId: file.id,
          kind: 'text' as const,
          certainty: 'sure' as const,
          mention,
          uid: CORE_STORE,
          rowId: id,
          attribute: 'value',
          obstacle: obstacle('setting'),
        },
      ];
    });
  });
}

function parse(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The path to the first text that names the file; empty for the whole value. */
function placeOf(value: unknown, file: FileNames): string | null {
  if (typeof value === 'string') return mentions(value, file) ? '' : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, child] of Object.entries(value)) {
    const place = placeOf(child, file);
    if (place !== null) return place === '' ? key : `${key}.${place}`;
  }
  return null;
}

function idIn(value: unknown, { fileId, key }: { fileId: number; key: string }): string | null {
  if (WITHOUT_IDS.test(key)) return null;
  const found = findIdsInJson(value, '', new Set([fileId]));
  return found.find(({ isSure }) => isSure)?.mention ?? null;
}

export function isSetting({ uid }: RawUse): boolean {
  return uid === CORE_STORE;
}

export function locateSetting(use: RawUse): LocatedUse {
  const { attribute, certainty, fileId, kind, mention, obstacle, rowId, uid } = use;
  return {
    fileId,
    kind,
    certainty,
    mention,
    contentType: { uid, displayName: 'Settings', kind: 'setting' },
    documentId: null,
    entryId: rowId,
    locale: null,
    status: null,
    path: attribute,
    title: mention,
    obstacle,
    row: { uid, rowId, attribute },
  };
}
