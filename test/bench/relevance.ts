import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { clipConfigSchema } from '../../plugin/src/embedding/clip/config';
import { openClipProvider } from '../../plugin/src/embedding/clip/provider';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import type { Calibration } from '../../plugin/src/search/relevance/contract';
import { calibrate, embedNullTexts, NEAREST } from '../../plugin/src/search/relevance/measurement';
import {
  LIKELY,
  pairScale,
  relevanceOf,
  scaleOf,
  signalOfText,
  STRONG,
} from '../../plugin/src/search/relevance/scale';
import type { VectorCollection } from '../../plugin/src/vectors/contract';
import { sampleConcepts } from '../../sample/concepts';
import { everydayQueries, makeUpTexts, unrelatedTexts } from '../../sample/evaluation/queries';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import { MemoryVectorStore } from '../support/memory-vector-store';
import { photographTags } from '../support/photograph-tags';
import { pointOf } from '../support/vector-points';
import { quantile, timed } from './measurement';

/*
 * `npm run measure:relevance`: how well relevance tells queries that a library answers from those that it doesn't, for the
 * sample library with the sample model and the photographs of the test data with `mini-clip`, and writes
 * `bench/relevance.json`. Queries are seeded; none is among the null texts.
 */

const repositoryFolder = path.resolve(__dirname, '../..');
const dataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);
const sampleModelFolder = path.join(repositoryFolder, 'sample/model');
const GIBBERISH = 300;
/** Of a ranking: whether the right image is among the first ones, and still without weak ones. */
const DEPTH = 10;

/** Everyday things; those that a library shows are left out. */
const things = (
  'elephant|giraffe|rhinoceros|hippopotamus|crocodile|penguin|flamingo|peacock|owl|parrot|turtle|snake|lizard|' +
  'frog|octopus|jellyfish|shark|whale|dolphin|lobster|crab|spider|butterfly|honey bee|ant|snail|kangaroo|koala|' +
  'panda|polar bear|tiger|lion|zebra|camel|llama|pig|hedgehog|squirrel|raccoon|hamster|bowl of soup|' +
  'plate of spaghetti|sushi rolls|slice of pizza|hamburger and fries|birthday cake with candles|' +
  'chocolate cookies|ice cream sundae|fried eggs and bacon|fruit salad|loaf of bread|cheese board|' +
  'glass of red wine|cup of coffee|teapot|orange juice|pineapple|watermelon slices|bananas|strawberries|grapes|' +
  'lemons|avocado toast|carrots|broccoli|garlic|onions|mushrooms|pumpkin|corn on the cob|laptop on a desk|' +
  'computer keyboard|printer|server rack|circuit board|microscope|telescope|calculator|alarm clock|wristwatch|' +
  'chandelier|sofa|bathtub|toilet|washing machine|refrigerator|microwave oven|frying pan|knife and fork|' +
  'scissors|screwdriver|hammer|wrench|electric drill|sewing machine|ironing board|vacuum cleaner|toothbrush|' +
  'lipstick|perfume bottle|diamond ring|pearl necklace|high heels|leather handbag|wedding dress|necktie|' +
  'business card|envelope|passport|banknotes|gold coins|credit card|piggy bank|bar chart|spreadsheet|' +
  'map of Europe|world globe|bookshelf|newspaper|fountain pen|crayons|chess board|dice|playing cards|' +
  'jigsaw puzzle|teddy bear|dollhouse|grand piano|violin|trumpet|saxophone|drum kit|harp|accordion|cello|' +
  'airplane cockpit|helicopter|hot air balloon|space rocket|satellite|astronaut|submarine|container ship|' +
  'cruise liner|freight train|subway station|tram|tractor|combine harvester|excavator|crane|cement mixer|' +
  'ambulance|fire engine|garbage truck|race track pit stop|gas station|wind turbines|solar panels|' +
  'nuclear power plant|oil rig|factory assembly line|warehouse shelves|construction helmet|blueprint|castle|' +
  'lighthouse|pyramids of Egypt|Eiffel Tower|Taj Mahal|church interior|mosque|pagoda|igloo|windmill|greenhouse|' +
  'vineyard|lavender field|rice terraces|cactus|tulips|red roses|sunflowers|orchid|bonsai|mushroom cloud|' +
  'volcano erupting|lightning storm|tornado|northern lights|full moon|milky way|planet saturn|desert dunes|' +
  'coral reef|iceberg|cave with stalactites|rainbow|surgeon operating|dentist chair|x-ray of a hand|' +
  'stethoscope|pills|syringe|wheelchair ramp|hospital bed|pregnant belly|skeleton|human brain|DNA helix|' +
  'test tubes|judge with a gavel|courtroom|handcuffs|prison cell|voting booth|parliament|soldier with a tank|' +
  'fighter jet|medieval knight|samurai sword|pharaoh mask|roman statue|oil painting|stained glass|' +
  'pottery wheel|knitting needles|quilt|carpet loom|dragon|unicorn|mermaid|vampire|robot|alien spaceship|' +
  'pirate ship|treasure chest|christmas tree|halloween pumpkin|easter eggs|menorah|fireworks|confetti|' +
  'champagne toast|office meeting|presentation slides|call center headset|handshake contract|graduation cap|' +
  'chalkboard equations|classroom desks|kindergarten blocks|baby crib|pacifier|diaper|aquarium|bird cage|' +
  'beehive|cow milking|sheep shearing|chicken coop|scarecrow|barn|hay bales|fishing net boat|oyster|caviar|' +
  'wedding cake|barbecue ribs|taco|dumplings|curry|paella|pancakes with syrup|croissant|bagel|sandwich|popcorn|' +
  'cotton candy|lollipop|gummy bears|marshmallows|milkshake|beer mug|whiskey glass|cocktail with umbrella|' +
  'coconut|mango|kiwi fruit|peach|cherries|blueberries|pomegranate|ski lift|ice hockey goalie|figure skater|' +
  'bowling alley|billiards|darts|golf course|table tennis|fencing|boxing ring|sumo wrestler|archery target|' +
  'javelin|pole vault|gymnastics rings|weightlifter|yoga mat|treadmill|swimming lanes|rowing team|water polo|' +
  'sailing regatta|hang glider|parachute|bungee jump'
).split('|');

interface Library {
  provider: EmbeddingProvider;
  images: Buffer[];
  /** Texts with the position of the image that they are about; null for a text about several. */
  good: { text: string; image: number | null }[];
  /** What its images show, in words. */
  shown: string;
  /** Whether an image shows a tag, as far as its captions say; null for a library without captions. */
  isTagged: ((image: number, tag: string) => boolean) | null;
  /** Images that have nothing to do with it. */
  foreign: Buffer[];
}

async function main(): Promise<void> {
  const photos = await readPhotos();
  const drawings = await Promise.all(sampleLibrary.map((image) => renderSampleImage(image)));
  const results = {
    photographs: await measure(await openPhotographs(photos, drawings.slice(0, 200))),
    sampleLibrary: await measure(
      await openSampleLibrary(
        drawings,
        photos.slice(0, 200).map(({ bytes }) => bytes),
      ),
    ),
  };
  await writeFile(
    path.join(repositoryFolder, 'bench/relevance.json'),
    `${JSON.stringify(results, null, 2)}\n`,
  );
  console.log(JSON.stringify(results, null, 2));
}

async function measure(library: Library) {
  const { foreign, good, images, isTagged, provider, shown } = library;
  const { signal } = new AbortController();
  const collection = await fill(provider, images);
  const nullTexts = await embedNullTexts(provider, { known: new Map(), signal });
  const calibration = await calibrate(collection, nullTexts, {
    duplicatesOf: () => Promise.resolve(new Map()),
    signal,
  });
  if (!calibration) throw new Error('There was nothing to calibrate.');
  const judge = createJudge(collection, calibration);
  const judgeText = async (text: string): Promise<Judgement> => {
    const vectors = await provider.embedTexts([text]).catch(() => []);
    // Of such a text the model knows no word.
    return vectors[0] ? judge(vectors[0], 'text') : nothing;
  };
  const answered = await inTurn(good, async ({ image, text }) => {
    const judgement = await judgeText(text);
    const rank = judgement.hits.findIndex(({ fileId }) => fileId - 1 === image);
    return { ...judgement, isFound: rank !== -1 && rank < DEPTH, hit: judgement.hits[rank] };
  });
  const relevances = answered.map(({ best }) => best);
  const found = answered.filter(({ isFound }) => isFound);
  const isNamed = (text: string): boolean => hasWordOf(text, shown);
  const against = async (texts: readonly string[]) => {
    const judged = await inTurn(texts, judgeText);
    const bests = judged.map(({ best }) => best);
    return {
      queries: texts.length,
      unknown: judged.filter(({ hits }) => hits.length === 0).length,
      areaUnderCurve: round(areaUnderCurve(relevances, bests)),
      saidToBeEmpty: round(share(bests, (best) => best < LIKELY)),
      strong: round(share(bests, (best) => best >= STRONG)),
    };
  };
  const own = await inTurn(images.slice(0, 200), async (_, index) => {
    const [point] = await collection.getMany([index + 1]);
    return point ? judge(point.vector, 'image', [index + 1]) : nothing;
  });
  const others = await inTurn(foreign, async (bytes) =>
    judge(await embedImage(provider, bytes), 'image'),
  );
  const times = await inTurn(good.slice(0, 100), async ({ text }) => {
    const [vector] = await provider.embedTexts([text]);
    return (await timed(() => judge(vector ?? new Float32Array(), 'text'))).milliseconds;
  });
  const result = {
    images: images.length,
    good: {
      queries: good.length,
      saidToBeEmpty: round(share(relevances, (best) => best < LIKELY)),
      strong: round(share(relevances, (best) => best >= STRONG)),
      /** Of the right images among the first ten, those that are marked weak. */
      rightButWeak: round(share(found, ({ hit }) => (hit?.relevance ?? 0) < LIKELY)),
      likelyHitsMedian: quantile(
        answered.map(({ hits }) => hits.filter(({ relevance }) => relevance >= LIKELY).length),
        0.5,
      ),
    },
    gibberish: await against(makeUpTexts(GIBBERISH, 'gibberish')),
    nothingShows: await against([
      ...things.filter((thing) => !isNamed(thing)),
      ...unrelatedTexts.filter((text) => !isNamed(text)),
    ]),
    thingsAlone: await against(things.filter((thing) => !isNamed(thing))),
    imageQueries: {
      ownSaidToBeEmpty: round(share(own, ({ best }) => best < LIKELY)),
      foreignSaidToBeEmpty: round(share(others, ({ best }) => best < LIKELY)),
      areaUnderCurve: round(
        areaUnderCurve(
          own.map(({ best }) => best),
          others.map(({ best }) => best),
        ),
      ),
    },
    ...(isTagged && { tags: await measureTags(library, { collection, calibration, isTagged }) }),
    millisecondsWithSearch: { p50: round(quantile(times, 0.5)), p95: round(quantile(times, 0.95)) },
  };
  await provider.dispose();
  return result;
}

/** How many tags are given, how many of them are right, and how many of the right ones are given, by threshold. */
async function measureTags(
  { images, provider }: Library,
  options: {
    collection: VectorCollection;
    calibration: Calibration;
    isTagged: (image: number, tag: string) => boolean;
  },
) {
  const { calibration, collection, isTagged } = options;
  const scale = pairScale(calibration);
  const points = await collection.getMany(images.map((_, index) => index + 1));
  const names = Object.keys(photographTags);
  const judged = (
    await inTurn(names, async (name) => {
      const [text] = await provider.embedTexts([name]);
      const signalOf = signalOfText(text ?? new Float32Array(), calibration);
      return points.map(({ fileId, vector }) => ({
        relevance: relevanceOf(scale, signalOf(vector)),
        isRight: isTagged(fileId - 1, name),
      }));
    })
  ).flat();
  return [0.3, LIKELY, 0.65, STRONG].map((threshold) => {
    const given = judged.filter(({ relevance }) => relevance >= threshold);
    const right = judged.filter(({ isRight }) => isRight);
    return {
      threshold,
      perImage: round(given.length / images.length),
      precision: round(share(given, ({ isRight }) => isRight)),
      recall: round(share(right, ({ relevance }) => relevance >= threshold)),
    };
  });
}

interface Judgement {
  /** Relevance of the best image. */
  best: number;
  hits: { fileId: number; relevance: number }[];
}

const nothing: Judgement = { best: 0, hits: [] };

function createJudge(collection: VectorCollection, calibration: Calibration) {
  return async (
    vector: Float32Array,
    kind: 'text' | 'image',
    excludeIds: readonly number[] = [],
  ): Promise<Judgement> => {
    const hits = await collection.search({ vector, limit: 100, filter: { excludeIds } });
    const nearest = hits.slice(0, NEAREST);
    const points = await collection.getMany(nearest.map(({ fileId }) => fileId));
    const vectors = new Map(points.map((point) => [point.fileId, point.vector]));
    const judged = nearest.flatMap(({ fileId, score }) => {
      const image = vectors.get(fileId);
      return image ? [{ score, vector: image }] : [];
    });
    const scale = scaleOf([{ vector, kind }], judged, calibration);
    if (!scale) return nothing;
    const relevances = hits.map(({ fileId, score }) => ({
      fileId,
      relevance: relevanceOf(scale, score),
    }));
    return { best: relevances[0]?.relevance ?? 0, hits: relevances };
  };
}

async function fill(
  provider: EmbeddingProvider,
  images: readonly Buffer[],
): Promise<VectorCollection> {
  const collection = await new MemoryVectorStore().ensureSpace(provider.space);
  for (const [index, bytes] of images.entries()) {
    await collection.upsert([pointOf(index + 1, await embedImage(provider, bytes), String(index))]);
  }
  return collection;
}

const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });

async function embedImage(provider: EmbeddingProvider, bytes: Buffer): Promise<Float32Array> {
  const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
  const [vector] = await provider.embedImages([prepared]);
  if (!vector) throw new Error('The model returned no vector.');
  return vector;
}

async function openPhotographs(photos: readonly Photo[], foreign: Buffer[]): Promise<Library> {
  return {
    provider: await openModel(path.join(dataFolder, 'mini-clip'), 'q8'),
    images: photos.map(({ bytes }) => bytes),
    good: photos.flatMap(({ captions }, image) =>
      captions.slice(0, 2).map((text) => ({ text, image })),
    ),
    shown: photos.flatMap(({ captions }) => captions).join(' '),
    isTagged: (image, tag) =>
      photographTags[tag]?.test(photos[image]?.captions.join(' ') ?? '') ?? false,
    foreign,
  };
}

async function openSampleLibrary(images: Buffer[], foreign: Buffer[]): Promise<Library> {
  const nameOf = (concept: string): string => concept.replaceAll('-', ' ');
  const groups = [...new Set<string>(sampleConcepts.map(({ group }) => group))];
  return {
    provider: await openModel(sampleModelFolder),
    images,
    good: [
      ...sampleConcepts.map(({ concept }) => ({
        text: nameOf(concept),
        image: sampleLibrary.findIndex((image) => image.concept === concept),
      })),
      ...[...groups, ...Object.keys(everydayQueries)].map((text) => ({ text, image: null })),
    ],
    shown: [
      ...sampleConcepts.map(({ concept }) => nameOf(concept)),
      ...groups,
      ...Object.keys(everydayQueries),
    ].join(' '),
    isTagged: null,
    foreign,
  };
}

function openModel(model: string, dtype?: 'q8'): Promise<EmbeddingProvider> {
  return openClipProvider(
    clipConfigSchema.parse({ provider: 'clip', model, ...(dtype && { dtype }) }),
    { logger: console, projectFolder: repositoryFolder, onProgress: () => undefined },
  );
}

interface Photo {
  bytes: Buffer;
  captions: string[];
}

async function readPhotos(): Promise<Photo[]> {
  const folder = path.join(dataFolder, 'photos');
  const captions = JSON.parse(await readFile(path.join(folder, 'captions.json'), 'utf8')) as Record<
    string,
    string[]
  >;
  const names = (await readdir(folder)).filter((name) => captions[name]).sort();
  return inTurn(names, async (name) => ({
    bytes: await readFile(path.join(folder, name)),
    captions: captions[name] ?? [],
  }));
}

/** Words that say nothing about what is shown. */
const PLAIN_WORDS = new Set(['and', 'the', 'with', 'from', 'red', 'board', 'bowl', 'cup', 'glass']);

/** Whether a text has a word of another one, singular or plural. */
function hasWordOf(text: string, other: string): boolean {
  const known = new Set(wordsOf(other).map(singularOf));
  return wordsOf(text).some(
    (word) => word.length > 2 && !PLAIN_WORDS.has(word) && known.has(singularOf(word)),
  );
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}

function singularOf(word: string): string {
  return word.replace(/s$/, '');
}

async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}

/** How often a value of the first list is higher than one of the second; ties count half. */
function areaUnderCurve(higher: readonly number[], lower: readonly number[]): number {
  let wins = 0;
  for (const one of higher)
    for (const other of lower) wins += one > other ? 1 : one === other ? 0.5 : 0;
  return wins / (higher.length * lower.length);
}

function share<Item>(items: readonly Item[], isCounted: (item: Item) => boolean): number {
  return items.filter(isCounted).length / items.length;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
