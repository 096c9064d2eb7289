export const usage = `Usage: npx strapi-plugin-image-search copy-vectors --from <store> --to <store> [options]

Copies vectors from one store to another, so that nothing is embedded again. Run it in the folder of the Strapi
project. Run it again after an interruption, or to catch up: what is there already is not copied twice.

Stores: embedded, qdrant. The one that config/plugins names has its settings from there; the other one has them from
these options:
  --path <file>                vector file of the embedded store (default: .data/image-search.sqlite)
  --url <address>              address of Qdrant (default: the environment variable QDRANT_URL)
  --collection-prefix <name>   what names of Qdrant collections begin with

Options:
  --space <id>                 copies one space alone; without it, all
  --remove-extra               removes vectors that only the target has, in the spaces that are copied
  --help                       shows this

An API key of Qdrant is taken from the environment variable QDRANT_API_KEY, never from an option.`;
