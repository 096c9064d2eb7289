import { createSeededRandom } from '../seeded-random';

/**
 * What users of the demo may type, in phrases that the model wasn't trained on, with the concepts of the sample library
 * that a person would call correct.
 */
export const everydayQueries: Readonly<Record<string, string>> = {
  'something for a cold day': 'coat scarf socks hot-beverage teapot snowman hiking-boot snowflake',
  'fruit that is red': 'red-apple strawberry cherries tomato watermelon',
  'animal that has horns': 'deer cow ram goat',
  'a slice of cake': 'shortcake birthday-cake cupcake pie',
  'what to have for breakfast':
    'croissant bread pancakes waffle cooking baguette-bread hot-beverage pretzel glass-of-milk honey-pot cheese-wedge',
  'a day at the sea':
    'beach-with-umbrella desert-island water-wave sailboat palm-tree dolphin fish passenger-ship',
  'animals from Africa': 'lion elephant giraffe zebra tiger camel monkey crocodile',
  'pictures of flying birds':
    'eagle dove duck owl flamingo peacock parrot swan penguin rooster baby-chick',
  'vegetables for a soup':
    'carrot potato onion garlic broccoli leafy-green tomato bell-pepper ear-of-corn eggplant cucumber hot-pepper mushroom',
  'trains and trams': 'locomotive high-speed-train tram',
  'a present for a birthday': 'wrapped-gift birthday-cake balloon teddy-bear bouquet candle',
  'tools for the workshop':
    'hammer axe wrench screwdriver carpentry-saw toolbox ladder nut-and-bolt gear magnet scissors',
  'shoes for walking': 'running-shoe hiking-boot high-heeled-shoe',
  'music band instruments':
    'guitar violin trumpet saxophone accordion musical-keyboard drum microphone',
  'balls for games': 'soccer-ball basketball american-football baseball tennis volleyball bowling',
  'it rains all day': 'cloud-with-rain umbrella-with-rain-drops cloud-with-lightning cloud rainbow',
  'stars and planets':
    'star ringed-planet crescent-moon full-moon telescope rocket sun star-struck',
  'pink flowers in spring': 'cherry-blossom hibiscus tulip rose bouquet',
  'a very tall building': 'office-building tokyo-tower hotel castle cityscape',
  'a person laughing':
    'grinning-face face-with-tears-of-joy partying-face star-struck smiling-face-with-sunglasses smiling-face-with-heart-eyes',
  'crawling insects': 'snail butterfly honeybee lady-beetle',
  'a cup of coffee': 'hot-beverage teapot bubble-tea cup-with-straw glass-of-milk',
  'going on a flight': 'airplane helicopter luggage rocket',
  'boats on a lake': 'sailboat canoe passenger-ship ferry',
};

export const madeUpTexts: readonly string[] = makeUpTexts(100, 'texts without a meaning');

/** Random letters and made-up words. */
export function makeUpTexts(count: number, seed: string): string[] {
  const random = createSeededRandom(seed);
  const letter = (): string => String.fromCharCode(random.integer(97, 122));
  const syllable = (): string =>
    random.pick(['bra', 'quo', 'zem', 'li', 'tork', 'va', 'nup', 'xi', 'dro', 'fel', 'gha', 'mun']);
  const word = (): string => {
    const isPronounceable = random.chance(0.5);
    const length = isPronounceable ? random.integer(2, 4) : random.integer(4, 10);
    return Array.from({ length }, isPronounceable ? syllable : letter).join('');
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: random.integer(1, 2) }, word).join(' '),
  );
}

/** Things that no image in the library shows, in words that the model wasn't trained to reject. */
export const unrelatedTexts: readonly string[] = (
  'democracy|capitalism|tax return|shareholder meeting|privacy notice|terms of use|cookie banner consent|' +
  'unemployment|gross domestic product|supreme court|social contract|free will|existentialism|irony|metaphor|' +
  'subjunctive|past participle|semicolon rules|logarithm|square root of nine|prime divisor|linear regression|' +
  'matrix inversion|null pointer exception|stack overflow|kernel panic|deadlock|garbage collector|' +
  'unit tests|pull request review|load balancer|reverse proxy|encryption handshake|checksum|regular expression|' +
  'photosynthesis|osmosis|chromosome|ligament|cholesterol|insulin|allergen|vaccination schedule|placebo|' +
  'insurance premium|interest rate|exchange listing|bankruptcy|merger|supply chain|warehouse lease|' +
  'human resources|salary negotiation|job application letter|minutes of the meeting|agenda item|' +
  'public relations|brand guidelines|market share|conversion rate|churn|key figures|board of directors|' +
  'sociology|anthropology|theology|jurisprudence|geopolitics|diplomacy|treaty|referendum|coalition|' +
  'nitrogen|silicon wafer|uranium|sulphur|carbon dioxide|plasma physics|gravity|inertia|torque|amplitude|' +
  'middle ages|renaissance|industrial revolution|cold war|feudalism|colonialism|monarchism|' +
  'honesty|patience|ambition|gratitude|boredom threshold|nostalgia|loneliness|dignity|ethics|wisdom|' +
  'quantum chromodynamics|tensor|isomorphism|axiom|corollary|lemma proof'
).split('|');
