export const usage = `Usage: npx strapi-plugin-image-search <command> [options], in the Strapi project's folder

doctor [--json]
Checks Node.js, native parts, configuration, model, vector store, database, storage and permissions: one line each, with
what to do. Changes no content, image or vector, so Strapi may be running. The exit code is 1 if a check failed.

doctor --purge [--models] [--yes]
Deletes what the plugin keeps outside the database: this database's vectors, and with --models the downloaded models.
Strapi then drops the plugin's tables when it starts without it. Asks first, unless --yes is given. Stop Strapi before.

evaluate <file> [options]
Asks the golden queries of a YAML or JSON file (query, and the names or IDs of the images that it should find), and reports
recall, MRR, nDCG, empty answers, times and the worst queries. Strapi may be running. The exit code is 1 below a bar.
  --space <id>                 searches this space, even one that is still filling; several are compared
  --mode <mode>                vector (default), hybrid or text; several are compared
  --min <measure>=<0 to 1>     a bar for recall@1, recall@5, recall@10, mrr, ndcg@10 or nothingClose.right; repeatable
  --worst <number>             how many of the worst queries are listed (default: 10)
  --json <file>                writes all figures and answers to this file

evaluate <file> --generate [--limit <number>]
Makes such a file of the alternative texts and captions of at most 200 images.

export-reviews <file>
Writes ignored duplicates and the usage of models to a JSON file.

import-reviews <file>
Reads such a file, into this or another project: duplicates are found by the content of their files. Import again once
everything is indexed if some weren't found; nothing counts twice.

copy-vectors --from <store> --to <store> [options]
Copies vectors from one store to another, so that nothing has to be embedded again. Run it in the Strapi project's
folder. Run it again after an interruption or to catch up: vectors that were copied already are skipped.

Stores: embedded, postgres, qdrant. The store named in config/plugins is configured there; configure the other one with:
  --path <file>                vector file of the embedded store (default: .data/image-search.sqlite)
  --url <address>              URL of Qdrant (default: the environment variable QDRANT_URL)
  --collection-prefix <name>   prefix of Qdrant collection names
  --schema <name>              schema of the tables in PostgreSQL (default: image_search)

Options:
  --space <id>                 copies only this space (default: all)
  --remove-extra               removes vectors from the copied spaces that only the target has
  --help                       shows this help

Set a Qdrant API key with the environment variable QDRANT_API_KEY, and the URL of another PostgreSQL than Strapi's own
with IMAGE_SEARCH_POSTGRES_URL; there are no options for them.`;

/** Exit codes of commands. A signal exits with 128 + its number, as in shells. */
export const ExitCode = { done: 0, failed: 1, wrongUsage: 2, interrupted: 130 } as const;

/** An invalid command line; the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
