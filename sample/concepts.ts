/**
 * What the sample library shows: names of icons in the Noto Emoji set (English words with hyphens), by the group that
 * a person would search for.
 */
const iconNames = {
  fruit:
    'red-apple green-apple pear tangerine lemon banana watermelon grapes strawberry blueberries melon cherries ' +
    'peach mango pineapple coconut kiwi-fruit avocado',
  vegetable:
    'tomato eggplant potato carrot ear-of-corn hot-pepper bell-pepper cucumber leafy-green broccoli garlic onion ' +
    'mushroom',
  food:
    'bread croissant baguette-bread pretzel pancakes waffle cheese-wedge hamburger french-fries pizza hot-dog ' +
    'sandwich taco burrito cooking green-salad popcorn sushi spaghetti dumpling',
  sweets:
    'soft-ice-cream doughnut cookie birthday-cake shortcake cupcake pie chocolate-bar candy lollipop honey-pot',
  drink: 'hot-beverage teapot glass-of-milk bubble-tea tropical-drink cup-with-straw',
  animal:
    'dog cat fox lion tiger horse zebra deer cow pig ram goat camel giraffe elephant mouse rabbit ' +
    'hedgehog bear koala panda sloth otter kangaroo frog turtle crocodile monkey raccoon llama',
  bird: 'rooster baby-chick penguin dove eagle duck swan owl flamingo peacock parrot',
  'sea animal':
    'spouting-whale dolphin seal fish tropical-fish octopus spiral-shell crab jellyfish',
  insect: 'snail butterfly honeybee lady-beetle',
  plant:
    'bouquet cherry-blossom rose hibiscus sunflower tulip seedling potted-plant evergreen-tree deciduous-tree ' +
    'palm-tree cactus sheaf-of-rice four-leaf-clover maple-leaf fallen-leaf',
  vehicle:
    'locomotive high-speed-train tram bus ambulance fire-engine taxi automobile ' +
    'delivery-truck tractor racing-car motorcycle bicycle sailboat canoe ' +
    'passenger-ship ferry airplane helicopter rocket',
  building:
    'house house-with-garden office-building hotel school factory castle stadium tent ' +
    'circus-tent ferris-wheel roller-coaster fountain tokyo-tower',
  landscape:
    'snow-capped-mountain volcano beach-with-umbrella desert desert-island sunrise cityscape bridge-at-night',
  weather:
    'sun cloud sun-behind-cloud cloud-with-rain cloud-with-snow cloud-with-lightning tornado rainbow ' +
    'umbrella-with-rain-drops snowflake snowman crescent-moon full-moon star ringed-planet water-wave',
  tool:
    'hammer axe wrench screwdriver carpentry-saw toolbox ladder nut-and-bolt gear scissors magnet ' +
    'paintbrush bucket',
  clothes:
    't-shirt jeans dress coat scarf socks backpack handbag running-shoe hiking-boot ' +
    'high-heeled-shoe womans-hat top-hat billed-cap sunglasses necktie crown',
  music: 'guitar violin trumpet saxophone accordion musical-keyboard drum microphone headphone',
  sport:
    'soccer-ball basketball american-football baseball tennis volleyball bowling ice-skate sled kite ' +
    'trophy skateboard',
  object:
    'alarm-clock camera television radio laptop light-bulb candle books pencil key bell balloon ' +
    'wrapped-gift teddy-bear artist-palette puzzle-piece telescope microscope luggage chair ' +
    'couch-and-lamp bathtub',
  face:
    'grinning-face face-with-tears-of-joy smiling-face-with-heart-eyes smiling-face-with-sunglasses ' +
    'thinking-face sleeping-face crying-face star-struck partying-face nerd-face cowboy-hat-face robot ghost',
} as const;

export type SampleGroup = keyof typeof iconNames;

export interface SampleConcept {
  /** Name of the icon: an English label in lowercase, words joined by hyphens. */
  concept: string;
  group: SampleGroup;
}

export const sampleConcepts: readonly SampleConcept[] = Object.entries(iconNames).flatMap(
  ([group, names]) => names.split(' ').map((concept) => ({ concept, group: group as SampleGroup })),
);
