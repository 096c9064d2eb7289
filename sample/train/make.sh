#!/bin/sh
# Makes sample/model from nothing but npm packages and Python: see README.md beside this file.
#   sh sample/train/make.sh [WORK] [STEPS]
# WORK keeps what is installed, drawn and trained (3 GB with a CUDA build of torch, 1 GB without).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=${1:-$(mktemp -d)}
steps=${2:-2000}
mkdir -p "$work"
work=$(cd "$work" && pwd)
export OMP_NUM_THREADS=1

list_packages() {
  node -p "
    const { names, styles } = require('$here/artwork.json');
    [...names, ...styles].map((each) => each.package + '@' + each.version).join(' ')"
}

echo '{ "private": true }' >"$work/package.json"
# shellcheck disable=SC2046 # one argument a package
npm install --prefix "$work" --no-save --ignore-scripts --no-audit --no-fund $(list_packages)
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"

"$work/venv/bin/python" "$here/concepts.py" "$work"
node "$here/render.mjs" "$work"
"$work/venv/bin/python" "$here/train.py" "$work" --steps "$steps"
"$work/venv/bin/python" "$here/train.py" "$work" --gentle --steps "$((steps / 2))"
"$work/venv/bin/python" "$here/refine.py" "$work" --steps "$((steps * 7 / 5))"
"$work/venv/bin/python" "$here/export.py" "$work" "$repository/sample/model"
cd "$repository"
npx strapi-plugin build --silent
npx tsx sample/train/measure.ts sample/model
