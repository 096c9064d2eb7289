"""What imagededup's PHash and PDQ find of the pairs that `npm run measure:duplicates -- export <folder>` writes.

    pip install pdqhash==0.2.8 numpy pillow scipy scikit-learn PyWavelets tqdm && pip install --no-deps imagededup==0.3.3.post2
    python3 test/bench/duplicates/hashes.py <folder>

PHash within 10 of 64 bits, which is its default; PDQ within 31 of 256 bits at a quality of 50 in all eight orientations,
as recommended. Transparent images are put on white. Prints a Markdown table and writes bench/duplicates-hashes.json.
"""

import json
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy
import pdqhash
from PIL import Image

# As a whole, these packages import torch, which the hashes don't need.
for name in ("methods", "utils"):
    package = types.ModuleType(f"imagededup.{name}")
    package.__path__ = [str(Path(find_spec("imagededup").origin).parent / name)]
    sys.modules[package.__name__] = package
from imagededup.methods.hashing import PHash  # noqa: E402

MAX_PHASH_DISTANCE = 10
MAX_PDQ_DISTANCE = 31
MIN_PDQ_QUALITY = 50
phash = PHash(verbose=False)


def read(file):
    image = Image.open(file)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return numpy.asarray(image.convert("RGB"))


def is_close_phash(one, other):
    hashes = [phash.encode_image(image_array=image) for image in (one, other)]
    return PHash.hamming_distance(*hashes) <= MAX_PHASH_DISTANCE


def is_close_pdq(one, other):
    upright, quality = pdqhash.compute(one)
    turned, other_quality = pdqhash.compute_dihedral(other)
    if min(quality, other_quality) < MIN_PDQ_QUALITY:
        return False
    return min(int(numpy.sum(upright != bits)) for bits in turned) <= MAX_PDQ_DISTANCE


def main(folder):
    rows = {}
    for first in sorted(Path(folder).glob("*/*/*-one.*")):
        source, edit = first.parts[-3:-1]
        (second,) = first.parent.glob(f"{first.stem.removesuffix('-one')}-other.*")
        one, other = read(first), read(second)
        row = rows.setdefault((source, edit), {"source": source, "edit": edit, "pairs": 0, "pHash": 0, "pdq": 0})
        row["pairs"] += 1
        row["pHash"] += int(is_close_phash(one, other))
        row["pdq"] += int(is_close_pdq(one, other))
    result = Path(__file__).resolve().parents[3] / "bench/duplicates-hashes.json"
    result.write_text(json.dumps(list(rows.values()), indent=2, ensure_ascii=False) + "\n")
    print("| source | edit | pairs | PHash | PDQ |\n| --- | --- | --- | --- | --- |")
    for row in rows.values():
        print(f"| {row['source']} | {row['edit']} | {row['pairs']} | {row['pHash']} | {row['pdq']} |")


if __name__ == "__main__":
    main(sys.argv[1])
