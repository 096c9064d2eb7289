"""What is to be learned: the emoji of Unicode, what people call them, and which icons show them.

    python concepts.py WORK

reads the npm packages below WORK/node_modules and writes WORK/concepts.json (a list of concepts) and WORK/icons.json
(for each style, [index of the concept, name of the icon] pairs).
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ["de", "fr", "es", "it", "pt", "nl", "ja", "zh"]
SHORTCODES = ["emojibase", "cldr", "github", "iamcal", "joypixels", "emojibase-legacy"]
SKIN_TONES_AND_HAIR = 2

# Icons of general sets are found by name alone; in these groups a name says what is seen.
NAMED_GROUPS = {"animals-nature", "food-drink", "travel-places", "activities", "objects"}
# Names that mean another thing in icon sets.
MISLEADING = {"cricket", "pick", "hook", "clamp", "fog", "joker", "cook", "landslide", "lab", "label"}


def load(path):
    return json.loads(Path(path).read_text(encoding="utf8"))


def key_of(hexcode):
    return re.sub(r"-fe0f|^fe0f-", "", hexcode.lower())


def plain(name):
    decomposed = unicodedata.normalize("NFD", name.lower().replace("&", "and"))
    return re.sub(r"[^a-z0-9]", "", decomposed)


def read_concepts(modules):
    data = modules / "emojibase-data"
    groups = load(data / "meta/groups.json")
    unicode_names = {key_of(k): v for k, v in load(data / "meta/unicode-names.json").items()}
    keywords = load(modules / "emojilib/dist/emoji-en-US.json")
    codes = {}
    for source in SHORTCODES:
        for hexcode, found in load(data / f"en/shortcodes/{source}.json").items():
            codes.setdefault(key_of(hexcode), {}).update(
                dict.fromkeys([found] if isinstance(found, str) else found)
            )
    translations = {
        language: {
            key_of(e["hexcode"]): {"label": e["label"], "tags": e.get("tags", [])}
            for e in load(data / f"{language}/data.json")
        }
        for language in LANGUAGES
    }
    concepts = []
    for emoji in load(data / "en/data.json"):
        if emoji.get("group") in (None, SKIN_TONES_AND_HAIR):
            continue
        key = key_of(emoji["hexcode"])
        words = [word.replace("_", " ").lower() for word in keywords.get(emoji["emoji"], [])]
        concepts.append(
            {
                "key": key,
                "label": emoji["label"].replace(":", "").lower(),
                "tags": sorted({*emoji.get("tags", []), *words}),
                "group": groups["groups"][str(emoji["group"])],
                "subgroup": groups["subgroups"][str(emoji["subgroup"])],
                "unicode": unicode_names.get(key, "").lower(),
                "shortcodes": list(codes.get(key, {})),
                "languages": {l: t[key] for l, t in translations.items() if key in t},
            }
        )
    return concepts


def resolve(icons, name):
    """The icon behind an alias; None where the alias turns or mirrors it."""
    for _ in range(4):
        if name in icons["icons"]:
            return name
        alias = icons.get("aliases", {}).get(name)
        if not alias or any(alias.get(k) for k in ("hFlip", "vFlip", "rotate")):
            return None
        name = alias["parent"]
    return None


def emoji_icons(folder, icons, by_key, by_name):
    """Icons of an emoji set: by code point where the package lists them, and by name."""
    found = {}
    characters = folder / "chars.json"
    for hexcode, name in (load(characters) if characters.exists() else {}).items():
        index, icon = by_key.get(key_of(hexcode)), resolve(icons, name)
        if index is not None and icon:
            found.setdefault(index, [icon])
    charted = set(found)
    for name in [*icons["icons"], *icons.get("aliases", {})]:
        if re.search(r"skin-tone|-low$", name):
            continue
        index, icon = by_name.get(plain(re.sub(r"-[12]$", "", name))), resolve(icons, name)
        if index is not None and icon and index not in charted:
            found.setdefault(index, [])
            if icon not in found[index]:
                found[index].append(icon)
    return found


def named_icons(icons, concepts, by_name, suffix):
    found = {}
    for name in icons["icons"]:
        if suffix and not name.endswith(suffix):
            continue
        base = name.removesuffix(suffix) if suffix else name
        base = re.sub(r"-(one|two|three|four)$", "", base)
        index = by_name.get(plain(base))
        if index is None or plain(base) in MISLEADING:
            continue
        if concepts[index]["group"] in NAMED_GROUPS:
            found.setdefault(index, []).append(name)
    return found


def main(work):
    modules = work / "node_modules"
    concepts = read_concepts(modules)
    by_key = {c["key"]: i for i, c in enumerate(concepts)}
    by_name = {}
    for names in (lambda c: [c["label"], c["unicode"]], lambda c: c["shortcodes"]):
        for index, concept in enumerate(concepts):
            for name in map(plain, names(concept)):
                if len(name) > 2:
                    by_name.setdefault(name, index)
    selection = {}
    for style in load(HERE / "artwork.json")["styles"]:
        folder = modules / style["package"]
        icons = load(folder / "icons.json")
        if style["kind"] == "ink icon":
            found = named_icons(icons, concepts, by_name, style.get("suffix", ""))
        else:
            found = emoji_icons(folder, icons, by_key, by_name)
        selection[style["name"]] = [[i, name] for i in sorted(found) for name in found[i]]
        print(style["name"], len(found), "concepts", len(selection[style["name"]]), "icons")
    (work / "concepts.json").write_text(json.dumps(concepts))
    (work / "icons.json").write_text(json.dumps(selection))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
