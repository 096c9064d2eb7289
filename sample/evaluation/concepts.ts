import { chars as notoCharacters, icons as notoIcons } from '@iconify-json/noto';
import { chars as twemojiCharacters, icons as twemojiIcons } from '@iconify-json/twemoji';
import de from 'emojibase-data/de/data.json';
import en from 'emojibase-data/en/data.json';
import es from 'emojibase-data/es/data.json';
import fr from 'emojibase-data/fr/data.json';
import ja from 'emojibase-data/ja/data.json';
import groups from 'emojibase-data/meta/groups.json';
import zh from 'emojibase-data/zh/data.json';

export const languages = ['en', 'de', 'fr', 'es', 'ja', 'zh'] as const;
export type Language = (typeof languages)[number];
export type EmojiStyle = 'noto' | 'twemoji';

/** An emoji that both Noto and Twemoji draw. */
export interface EmojiConcept {
  names: Readonly<Record<Language, string>>;
  /** As Unicode names it, such as `food-fruit`. */
  subgroup: string;
  /** SVG documents of 256 × 256 pixels. */
  drawings: Readonly<Record<EmojiStyle, string>>;
}

const emoji = { en, de, fr, es, ja, zh };

/** All concepts in Unicode order, without country flags, which Noto's package doesn't contain. */
export function readEmojiConcepts(): EmojiConcept[] {
  const noto = readDrawings(notoIcons, notoCharacters);
  const twemoji = readDrawings(twemojiIcons, twemojiCharacters);
  const translations = languages.map((language) => [language, readNames(language)] as const);
  const subgroups: Readonly<Record<string, string>> = groups.subgroups;
  return en.flatMap(({ hexcode, subgroup }) => {
    const key = keyOf(hexcode);
    const drawings = { noto: noto.get(key), twemoji: twemoji.get(key) };
    const names = Object.fromEntries(
      translations.map(([language, found]) => [language, found.get(key)]),
    ) as Record<Language, string | undefined>;
    if (subgroup === undefined || !hasAll(drawings) || !hasAll(names)) return [];
    return [{ names, subgroup: subgroups[String(subgroup)] ?? '', drawings }];
  });
}

function hasAll<Key extends string>(
  record: Record<Key, string | undefined>,
): record is Record<Key, string> {
  return Object.values(record).every((value) => value !== undefined);
}

function readNames(language: Language): Map<string, string> {
  return new Map(
    emoji[language].map(({ hexcode, label }) => [
      keyOf(hexcode),
      label.replace(':', '').toLowerCase(),
    ]),
  );
}

function readDrawings(
  set: typeof notoIcons,
  characters: Readonly<Record<string, string>>,
): Map<string, string> {
  const drawings = new Map<string, string>();
  for (const [hexcode, name] of Object.entries(characters)) {
    const icon = set.icons[name] ?? set.icons[set.aliases?.[name]?.parent ?? ''];
    if (icon === undefined || drawings.has(keyOf(hexcode))) continue;
    const { left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16, body } = icon;
    const box = [left, top, width, height].map(String).join(' ');
    drawings.set(
      keyOf(hexcode),
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="256" height="256" viewBox="${box}">${body}</svg>`,
    );
  }
  return drawings;
}

/** The same for all spellings of a sequence, because variation selectors don't change the drawing. */
function keyOf(hexcode: string): string {
  return hexcode.toLowerCase().replaceAll('-fe0f', '');
}
