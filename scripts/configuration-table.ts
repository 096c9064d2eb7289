/**
 * `npx tsx scripts/configuration-table.ts`: writes the README's table of settings from the schema; with `--check` it only
 * says whether that is needed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { z } from 'zod';
import { configSchema } from '../plugin/src/config';

const readme = path.resolve(__dirname, '../README.md');

interface SettingSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, SettingSchema>;
  required?: string[];
  oneOf?: SettingSchema[];
}

async function describeConfiguration(): Promise<string> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as SettingSchema;
  const rows = Object.entries(schema.properties ?? {}).flatMap(([name, section]) =>
    name === 'previousEmbedding'
      ? [`| \`${name}\` | none | as \`embedding\` | ${section.description ?? ''} |`]
      : (section.oneOf ?? [section]).flatMap((kind) => describeSection(name, kind)),
  );
  return formatTable(['setting', 'default', 'allowed', 'what it does'], rows);
}

async function formatTable(headings: string[], rows: string[]): Promise<string> {
  const table = [
    `| ${headings.join(' | ')} |`,
    `| ${headings.map(() => '---').join(' | ')} |`,
    // What all hosted models have is told once.
    ...new Set(rows),
  ];
  return (await format(table.join('\n'), { parser: 'markdown' })).trim();
}

function describeSection(name: string, section: SettingSchema): string[] {
  const properties = Object.entries(section.properties ?? {});
  const kind = properties.find(([, setting]) => setting.const !== undefined);
  return describeSettings(name, section, kind ? ` (${String(kind[1].const)})` : '');
}

function describeSettings(name: string, section: SettingSchema, of: string): string[] {
  return Object.entries(section.properties ?? {})
    .filter(([, setting]) => setting.const === undefined)
    .flatMap(([key, setting]) => {
      if (key === 'fallback') {
        return [
          `| \`${name}.${key}\` | none | as \`embedding\` (clip) | ${setting.description ?? ''} |`,
        ];
      }
      if (setting.properties) return describeSettings(`${name}.${key}`, setting, of);
      const isRequired = section.required?.includes(key) ?? false;
      const cells = [
        `\`${name}.${key}\`${of}`,
        isRequired ? 'required' : describeDefault(setting),
        describeAllowed(setting),
        setting.description ?? '',
      ];
      return [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`];
    });
}

/** A default that depends on the machine is told in words by the description. */
function describeDefault({ default: value, description = '' }: SettingSchema): string {
  if (value === undefined || description.includes('by default')) return '–';
  return `\`${JSON.stringify(value)}\``;
}

function describeAllowed({ type, enum: values, minimum, maximum }: SettingSchema): string {
  if (values) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined)
    return `${String(minimum)} – ${String(maximum)}`;
  return type ?? '';
}

/** The README with the table as it should be. */
function withTable(text: string, table: string): string {
  const begin = '<!-- configuration: written by scripts/configuration-table.ts -->';
  const end = '<!-- /configuration -->';
  const [before, rest] = text.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined)
    throw new Error('The README has no place for the table of settings.');
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

async function main(isCheck: boolean): Promise<void> {
  const current = readFileSync(readme, 'utf8');
  const wanted = withTable(current, await describeConfiguration());
  if (wanted === current) return;
  if (isCheck)
    throw new Error('The README has other settings: npx tsx scripts/configuration-table.ts');
  writeFileSync(readme, wanted);
}

main(process.argv.includes('--check')).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
