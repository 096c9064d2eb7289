/**
 * Texts that hardly any library has an image of: words without a meaning, and things that can't be shown. What they
 * score in a library is what a query scores that nothing answers.
 */
export interface NullTexts<Text = string> {
  /** Made-up words and random letters. */
  nonsense: readonly Text[];
  /** Words for things that have no looks. */
  abstract: readonly Text[];
}

/** Changes with the texts: vectors of other texts are of no use. */
export const NULL_TEXTS_VERSION = 1;

const NONSENSE_COUNT = 80;
const SEED = 20_261_130;

const ABSTRACT =
  'annual report|privacy policy|inflation|copyright law|shipping address|monthly budget|opinion poll|tax bracket|' +
  'password reset|software license|version history|error message|search engine|data backup|user manual|' +
  'project deadline|job interview|customer feedback|quality control|exchange rate|life insurance|rental agreement|' +
  'legal advice|criminal record|human rights|foreign policy|election result|public opinion|civil engineering|' +
  'organic chemistry|quantum physics|calculus|grammar|spelling mistake|foreign language|poem|short story|' +
  'plot summary|philosophy|religion|moral question|bad habit|common sense|good intentions|old friendship|' +
  'sudden doubt|long silence|regret|curiosity|homesickness|blood pressure|side effect|allergy|migraine|genetics|' +
  'metabolism|evolution|climate model|electric current|magnetic field|atomic number|speed of sound|melting point|' +
  'humidity|the year 1850|next Tuesday|half past nine|phone number|postal code|family name|wholesale price|' +
  'discount code|return policy|job title|pay raise|strike|patent|trademark|corporate strategy|market analysis|' +
  'venture capital|mortgage|pension fund|audit|invoice|time zone|daily routine|second opinion|family tradition|' +
  'childhood memory|happy ending|lost hope|true story|wrong answer|simple rule|hidden meaning|last chance|' +
  'good advice|broken promise|big surprise|important decision|social science|ancient history|political theory|' +
  'economic growth|public health|higher education|national anthem|peace agreement|freedom of speech|equality|' +
  'average income|probability|percentage|random number|geometry proof|source code|operating system|' +
  'network protocol|screen resolution|battery life';

const CONSONANTS = 'b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl pr sk sl st tr'.split(
  ' ',
);
const VOWELS = 'a e i o u ai ea oo'.split(' ');
const ENDINGS = ['', '', 'n', 'r', 'l', 's', 't', 'k'];
const LETTERS = 'a b c d e f g h i j k l m n o p q r s t u v w x y z'.split(' ');

/** The same on every machine. */
export function listNullTexts(): NullTexts {
  return { nonsense: makeUpTexts(NONSENSE_COUNT), abstract: ABSTRACT.split('|') };
}

/** One or two words each, half of them pronounceable. */
function makeUpTexts(count: number): string[] {
  const random = createRandom(SEED);
  const pick = (choices: readonly string[]): string =>
    choices[Math.floor(random() * choices.length)] ?? '';
  const syllable = (): string => pick(CONSONANTS) + pick(VOWELS) + pick(ENDINGS);
  const word = (): string => {
    const isPronounceable = random() < 0.5;
    const length = isPronounceable ? 2 + Math.floor(random() * 3) : 4 + Math.floor(random() * 6);
    return Array.from({ length }, isPronounceable ? syllable : () => pick(LETTERS)).join('');
  };
  return Array.from({ length: count }, () =>
    random() < 0.5 ? word() : [word(), word()].join(' '),
  );
}

/** Numerical Recipes' linear congruential generator: good enough for letters. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
