/** The pages of the docs, as the site and llms.txt list them. */
export const sections: { title: string; pages: string[] }[] = [
  { title: 'Start', pages: ['getting-started', 'installation', 'panel'] },
  {
    title: 'Guides',
    pages: [
      'choosing-a-model',
      'models',
      'vector-stores',
      'duplicates',
      'frontend',
      'graphql',
      'agents',
      'long-images',
      'documents',
      'evaluating',
      'operating',
      'troubleshooting',
      'privacy',
    ],
  },
  {
    title: 'Reference',
    pages: ['configuration', 'http-api', 'services', 'events', 'errors'],
  },
  { title: 'Background', pages: ['how-it-works', 'numbers', 'comparison'] },
  { title: 'Project', pages: ['marketplace'] },
];
