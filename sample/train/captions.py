"""What people may type, and which concepts answer it.

A caption is a text with weights over concepts: its name (one concept), or a keyword, a category, an everyday phrase,
a color (many). Texts that mean nothing have no concepts at all; they teach the model to find nothing.
"""

import json
import random
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "ja", "zh"]
LANGUAGE_WEIGHTS = [0.55, 0.07, 0.07, 0.07, 0.04, 0.04, 0.04, 0.06, 0.06]
STOP_WORDS = set("with of and the a in on for to face button symbol sign o an no at".split())
FRAMES = {
    "en": (
        "a picture of a {}|a picture of {}|picture of {}|pictures of {}|an illustration of a {}|photo of a {}|"
        "{} icon|{} emoji|drawing of a {}|image of the {}|{} clip art|a {}|the {}|cartoon {}|{} symbol|some {}|"
        "image with {}|my {}|show me {}|something for {}|something with {}|things for {}|all kinds of {}|{} pictures|"
        "what to have for {}|a day with {}|going to the {}|in the {}|on the {}|at the {}|{} for children|a nice {}|"
        "lots of {}|{} of any kind|a {} to look at|people like {}|looking for a {}|{} things|our {}|one {}|two {}"
    ).split("|"),
    "de": ["ein bild von {}"],
    "fr": ["une image de {}"],
    "es": ["una imagen de {}"],
}
# Words that no drawing of an emoji shows.
MEANINGLESS = (
    "therefore however although because meanwhile whereas nevertheless regarding quarterly annual invoice revenue "
    "policy agreement clause paragraph appendix amendment compliance liability bandwidth latency protocol compiler "
    "database firmware algorithm variable integer boolean parameter derivative theorem polynomial hypothesis entropy "
    "philosophy metaphysics epistemology ideology bureaucracy sovereignty parliament constitution jurisdiction "
    "inflation mortgage subsidy tariff dividend pension audit procurement logistics stakeholder synergy leverage "
    "paradigm framework methodology benchmark throughput deadline milestone backlog sprint roadmap onboarding "
    "abstract concept notion theory aspect factor issue matter circumstance consequence condition tendency capacity "
    "volume density velocity magnitude ratio percentage average median variance standard deviation sample population "
    "syntax grammar adverb pronoun etymology phoneme chapter preface glossary footnote bibliography citation "
    "concrete asphalt gravel plaster drywall insulation plumbing upholstery veneer laminate polymer resin alloy "
    "catalyst isotope enzyme ribosome mitochondria plankton sediment tectonic magma quartz basalt limestone "
    "untitled document final version draft copy revised scan attachment page number total subtotal header footer"
).split()


def read_categories():
    return json.loads((HERE / "categories.json").read_text(encoding="utf8"))


def color_shares(rgba, names):
    """Share of the drawn pixels in each named color; None where too little is drawn."""
    drawn = rgba[..., :3][rgba[..., 3] > 128].astype(float) / 255
    if len(drawn) < 50:
        return None
    high, low = drawn.max(1), drawn.min(1)
    range_ = np.maximum(high - low, 1e-6)
    saturation = (high - low) / np.maximum(high, 1e-6)
    red, green, blue = drawn.T
    hue = 60 * np.where(
        high == red,
        ((green - blue) / range_) % 6,
        np.where(high == green, (blue - red) / range_ + 2, (red - green) / range_ + 4),
    )
    gray, black = saturation < 0.18, high < 0.25
    colored = ~gray & ~black
    brown = colored & (hue >= 10) & (hue < 45) & (high < 0.68)
    pale_red = ((hue >= 350) | (hue < 12)) & (saturation < 0.5) & (high > 0.75)
    pink = colored & (((hue >= 290) & (hue < 350)) | pale_red)
    rest = colored & ~brown & ~pink
    between = lambda low, high: rest & (hue >= low) & (hue < high)
    masks = {
        "black": black,
        "white": gray & (high > 0.85),
        "gray": gray & ~black & (high <= 0.85),
        "brown": brown,
        "pink": pink,
        "red": rest & ((hue < 14) | (hue >= 346)),
        "orange": between(14, 40),
        "yellow": between(40, 68),
        "green": between(68, 168),
        "blue": between(168, 252),
        "purple": between(252, 290),
    }
    return [masks[name].mean() for name in names]


def main_colors(pictures, concept_of, is_ink, count):
    """(concepts, colors) booleans: what most styles paint more than a third of the motif in."""
    names = list(read_categories()["colors"]["en"])
    shares = defaultdict(list)
    for picture, concept, ink in zip(pictures, concept_of, is_ink):
        found = None if ink else color_shares(picture, names)
        if found:
            shares[concept].append(found)
    colors = np.zeros((count, len(names)), bool)
    for concept, found in shares.items():
        colors[concept] = np.median(found, 0) > 0.36
    return colors


class Captions:
    """Draws captions for the concepts of a training; `colors` as `main_colors` gives them."""

    def __init__(self, concepts, colors, modules):
        self.concepts, self.colors = concepts, colors
        categories = read_categories()
        self.color_words = categories["colors"]
        self.color_names = list(self.color_words["en"])
        self.labels = {l: [None] * len(concepts) for l in LANGUAGES}
        self.keywords = {l: [[] for _ in concepts] for l in LANGUAGES}
        self.others = [[] for _ in concepts]
        self.answers = {l: defaultdict(dict) for l in LANGUAGES}
        for index, concept in enumerate(concepts):
            self._add_names(index, concept)
        self.phrases = {l: defaultdict(set) for l in LANGUAGES}
        self._add_categories(categories["subgroups"], modules)
        self._add_everyday()
        self.phrase_lists = {l: list(p) for l, p in self.phrases.items()}
        self.phrases_of = {l: [[] for _ in concepts] for l in LANGUAGES}
        for language, phrases in self.phrases.items():
            for phrase, members in phrases.items():
                for index in members:
                    self.phrases_of[language][index].append(phrase)
        self.keyword_lists = {l: list(a) for l, a in self.answers.items()}
        letters = "".join(" " + label for label in self.labels["en"])
        self.followers = defaultdict(list)
        for a, b in zip(letters, letters[1:]):
            self.followers[a].append(b)

    def _add_names(self, index, concept):
        for language in LANGUAGES:
            entry = concept if language == "en" else concept["languages"].get(language)
            if not entry:
                continue
            label = entry["label"].replace(":", "").lower()
            words = {t.lower() for t in entry["tags"]}
            if language == "en":
                words |= {w for w in re.findall(r"[a-z0-9]+", label) if w not in STOP_WORDS and len(w) > 1}
                self.others[index] = sorted(self._other_names(concept) - {label})
            elif language not in ("ja", "zh"):
                words |= set(re.findall(r"\w{4,}", label))
            self.labels[language][index] = label
            self.keywords[language][index] = sorted(words)
            for word in words:
                self.answers[language][word].setdefault(index, 1.0)
            for name in [label, *(self.others[index] if language == "en" else [])]:
                self.answers[language][name][index] = 3.0

    @staticmethod
    def _other_names(concept):
        codes = (code.replace("_", " ").replace("-", " ").lower() for code in concept["shortcodes"])
        names = {code for code in codes if re.match(r"^[a-z0-9 ]{3,40}$", code)}
        return names | ({concept["unicode"]} if concept["unicode"] else set())

    def _add_categories(self, subgroups, modules):
        for index, concept in enumerate(self.concepts):
            for phrase in subgroups[concept["subgroup"]]:
                self.phrases["en"][phrase].add(index)
        for language in LANGUAGES[1:]:
            file = modules / f"emojibase-data/{language}/messages.json"
            messages = json.loads(file.read_text(encoding="utf8"))
            for kind, field in (("subgroups", "subgroup"), ("groups", "group")):
                names = {m["key"]: m["message"].lower() for m in messages[kind]}
                for index, concept in enumerate(self.concepts):
                    if concept[field] in names:
                        self.phrases[language][names[concept[field]]].add(index)

    def _add_everyday(self):
        """The table replaces what a category of the same name would answer."""
        by_label = {c["label"]: i for i, c in enumerate(self.concepts)}
        by_subgroup = defaultdict(set)
        for index, concept in enumerate(self.concepts):
            by_subgroup[concept["subgroup"]].add(index)
        self.everyday = []
        for line in (HERE / "everyday.txt").read_text(encoding="utf8").splitlines():
            if not line or line.startswith("#"):
                continue
            phrases, members = line.split(" : ")
            found = set()
            for member in members.split(", "):
                name = member.lstrip("-").lower()
                # A label without a picture to learn from answers nothing.
                some = by_subgroup[name[1:]] if name[0] == "@" else {by_label.get(name)} - {None}
                found = found - some if member[0] == "-" else found | some
            for phrase in phrases.split(" | "):
                self.phrases["en"][phrase] = found
                self.everyday.append(phrase)

    def texts(self):
        """All texts, repeated by weight: what the vocabulary is made from."""
        for language in LANGUAGES:
            repeat = 4 if language == "en" else 1
            for index in range(len(self.concepts)):
                if self.labels[language][index]:
                    yield from [self.labels[language][index]] * repeat
                yield from self.keywords[language][index] * repeat
                if language == "en":
                    yield from self.others[index] * 2
            yield from self.phrase_lists[language] * 8
        for words in self.color_words.values():
            yield from list(words.values()) * 20
        for frames in FRAMES.values():
            yield from [frame.replace("{}", "") for frame in frames] * 30

    def language_for(self, index):
        while True:
            language = random.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
            if self.labels[language][index]:
                return language

    def name(self, index):
        """A caption for this concept alone."""
        language = self.language_for(index)
        text = self.labels[language][index]
        if language == "en" and self.others[index] and random.random() < 0.3:
            text = random.choice(self.others[index])
        return framed(text, language)

    def description(self, index):
        """(text, {concept: weight}): a caption that holds for this concept and others."""
        language = self.language_for(index)
        draw = random.random()
        keywords, phrases = self.keywords[language][index], self.phrases_of[language][index]
        if draw < 0.36 and keywords:
            word = random.choice(keywords)
            text, answer = word, dict(self.answers[language][word])
        elif draw < 0.5 and len(keywords) > 1:
            words = random.sample(keywords, min(len(keywords), random.choice([2, 2, 3])))
            text = " ".join(words)
            shared = set.intersection(*(set(self.answers[language][w]) for w in words))
            answer = dict.fromkeys(shared, 1.0)
        elif draw > 0.85 and language in self.color_words and self.colors[index].any():
            text, answer = self._colored(index, language)
        elif phrases:
            text = random.choice(phrases)
            answer = dict.fromkeys(self.phrases[language][text], 1.0)
        else:
            text, answer = self.labels[language][index], {index: 1.0}
        return framed(text, language), answer

    def _colored(self, index, language):
        color = random.choice(np.flatnonzero(self.colors[index]))
        word = self.color_words[language][self.color_names[color]]
        nouns = self.phrases_of[language][index] * 2 + self.keywords[language][index]
        if random.random() < 0.15 or not nouns:
            return word, dict.fromkeys(np.flatnonzero(self.colors[:, color]).tolist(), 1.0)
        noun = random.choice(nouns)
        members = set(self.phrases[language].get(noun) or self.answers[language].get(noun, ()))
        answer = {i: 1.0 for i in members if self.colors[i, color]} or {index: 1.0}
        return (f"{word} {noun}" if language in ("en", "de") else f"{noun} {word}"), answer

    def any_text(self):
        """(text, {concept: weight}) of all texts there are, everyday phrases more often than their share."""
        draw = random.random()
        if draw < 0.1:
            return self._two_things()
        if draw < 0.4:
            text = random.choice(self.everyday)
            return framed(text, "en"), dict.fromkeys(self.phrases["en"][text], 1.0)
        if draw < 0.48:
            language = random.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
            text = random.choice(self.phrase_lists[language])
            return text, dict.fromkeys(self.phrases[language][text], 1.0)
        if draw < 0.7:
            language = random.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
            text = random.choice(self.keyword_lists[language])
            return framed(text, language), dict(self.answers[language][text])
        index = random.randrange(len(self.concepts))
        return self.name(index), {index: 1.0}

    def _two_things(self):
        """ "trains and trams": either answers."""
        pools = [self.everyday, self.phrase_lists["en"], self.keyword_lists["en"]]
        words = [random.choice(random.choice(pools)) for _ in range(2)]
        joint = random.choice([" and ", " or ", " with ", " "])
        members = [self.phrases["en"].get(word) or self.answers["en"][word] for word in words]
        return joint.join(words), dict.fromkeys([i for some in members for i in some], 1.0)

    def nonsense(self):
        """A text that nothing answers: made-up words, random letters and digits, words of no picture."""
        draw = random.random()
        if draw < 0.3:
            text = " ".join(self._made_up_word() for _ in range(random.choice([1, 1, 2, 3])))
        elif draw < 0.55:
            letters = random.choice(["abcdefghijklmnopqrstuvwxyz"] * 3 + ["asdfghjkl", "qwertzuiop", "bcdfghjklmnpqrstvwxz"])
            text = " ".join(
                "".join(random.choices(letters, k=random.randint(3, 12))) for _ in range(random.choice([1, 1, 2]))
            )
        elif draw < 0.65:
            text = "".join(random.choices("0123456789abcdef-_", k=random.randint(4, 12)))
        else:
            text = " ".join(random.sample(MEANINGLESS, random.choice([1, 1, 2, 3])))
        return framed(text, "en") if text not in self.answers["en"] else self.nonsense()

    def _made_up_word(self):
        """Pronounceable: each letter follows as it does in names."""
        word, length = random.choice("abcdefghijklmnoprstuvwz"), random.randint(4, 11)
        while len(word) < length:
            letter = random.choice(self.followers[word[-1]])
            word += letter if letter.isalpha() else random.choice("aeiou")
        return word


def framed(text, language):
    if language == "en":
        if random.random() < 0.12:
            text = plural(text)
        if random.random() < 0.28:
            text = random.choice(FRAMES["en"]).format(text)
    elif language in FRAMES and random.random() < 0.15:
        text = random.choice(FRAMES[language]).format(text)
    return text


def plural(word):
    if len(word) < 3 or not word[-1].isalpha() or word.endswith("s"):
        return word
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith("fe"):
        return word[:-2] + "ves"
    return word + ("es" if word.endswith(("ch", "sh", "x", "o")) else "s")


def answers_of(texts, count):
    """(texts, concepts) weights, of `(text, {concept: weight})` pairs."""
    rows = np.zeros((len(texts), count), np.float32)
    for row, (_, answer) in zip(rows, texts):
        row[list(answer)] = list(answer.values())
    return torch.from_numpy(rows)
