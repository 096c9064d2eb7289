"""Trains the two encoders from scratch on drawings of the same things in many styles.

    python train.py WORK [--steps 2000] [--processes 2] [--seed 0]
    python train.py WORK --gentle [--steps 1000]

reads what concepts.py and render.mjs left in WORK and writes WORK/model/tokenizer.json and WORK/weights.pt. The second
form goes on from those with most drawings as they are: what the first learned of strange styles stays. Every
process computes half of each step on one thread; together they are bound by steps, not by time, so the same seed gives
the same model on the same kind of processor.
"""

import argparse
import copy
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
import torch.nn as nn
import torch.nn.functional as F
from tokenizers import Tokenizer

from augmentation import augment, chosen, on_white, show
from captions import Captions, answers_of, main_colors
from model import DIMENSIONS, PICTURE_SIDE, TextEncoder, VisionEncoder
from tokenizer import make_tokenizer, tokens_of

HERE = Path(__file__).parent
RENDERED_SIDE = 96
# Most of the training sees smaller pictures: half the work, and the same shapes.
SMALL_SIDE, SMALL_SHARE = 48, 0.55
CONCEPTS_A_STEP = 160
OTHER_TEXTS_A_STEP, NONSENSE_A_STEP = 192, 48
LEARNING_RATE, GENTLE_LEARNING_RATE, WARM_UP, WEIGHT_DECAY = 2.5e-3, 1.2e-3, 80, 0.05
DISGUISED_SHARE_WHEN_GENTLE = 0.4
AVERAGE_DECAY = 0.995
# Share of the words that are taken from a text, so that the others carry it.
FORGOTTEN = 0.03
# The cosine similarity that a text reaches with its pictures, and nonsense with none.
CLOSE = 0.3
STYLE_WEIGHTS = {"emoji": 1.0, "ink emoji": 0.3, "ink icon": 0.1}
UNFLIPPABLE_SUBGROUPS = {"time", "hand-fingers-partial", "hand-single-finger"}


class Artwork:
    """The pictures to train on, and the concepts they show."""

    def __init__(self, work):
        everything = json.loads((work / "concepts.json").read_text())
        icons = json.loads((work / "icons.json").read_text())
        styles = json.loads((HERE / "artwork.json").read_text())["styles"]
        trained = [s for s in styles if s["use"] == "train"]
        known = sorted({i for s in trained if s["kind"] != "ink icon" for i, _ in icons[s["name"]]})
        number_of = {index: number for number, index in enumerate(known)}
        self.concepts = [everything[index] for index in known]
        parts, concept_of, weights, ink = [], [], [], []
        for style in trained:
            pictures = read_pictures(work, style["name"])
            rows = [k for k, (i, _) in enumerate(icons[style["name"]]) if i in number_of]
            parts.append(pictures[rows])
            concept_of += [number_of[icons[style["name"]][k][0]] for k in rows]
            weights += [STYLE_WEIGHTS[style["kind"]]] * len(rows)
            ink += [style["kind"] != "emoji"] * len(rows)
        self.pictures = torch.from_numpy(np.concatenate(parts))
        self.concept_of, self.ink = np.array(concept_of), np.array(ink)
        weights = np.array(weights)
        self.pictures_of = [np.flatnonzero(self.concept_of == n) for n in range(len(known))]
        self.chances_of = [weights[p] / weights[p].sum() for p in self.pictures_of]
        self.may_flip = np.array([may_flip(c) for c in self.concepts])
        self.watched = {
            s["name"]: (
                torch.from_numpy(read_pictures(work, s["name"])),
                [number_of.get(i, -1) for i, _ in icons[s["name"]]],
            )
            for s in styles
            if s["use"] == "watch" or s["name"] == "noto"
        }

    def captions(self, work):
        colors = main_colors(self.pictures.numpy(), self.concept_of, self.ink, len(self.concepts))
        return Captions(self.concepts, colors, work / "node_modules")

    def two_pictures(self, concept):
        found = self.pictures_of[concept]
        if len(found) == 1:
            return [found[0], found[0]]
        return np.random.choice(found, 2, replace=False, p=self.chances_of[concept])


def read_pictures(work, style):
    pixels = np.fromfile(work / "pictures" / f"{style}.rgba", np.uint8)
    return pixels.reshape(-1, RENDERED_SIDE, RENDERED_SIDE, 4)


def may_flip(concept):
    if concept["group"] in ("symbols", "flags") or concept["subgroup"] in UNFLIPPABLE_SUBGROUPS:
        return False
    return not any(word in concept["label"] for word in ("left", "right", "facing"))


class Trainer:
    def __init__(self, work, options, rank):
        self.work, self.options, self.rank = work, options, rank
        self.artwork = Artwork(work)
        concepts = self.artwork.concepts
        self.captions = self.artwork.captions(work)
        self.tokenizer = self._tokenizer()
        torch.manual_seed(options.seed)
        self.vision = VisionEncoder().to(memory_format=torch.channels_last)
        self.text = TextEncoder()
        self.prototypes = nn.Parameter(F.normalize(torch.randn(len(concepts), DIMENSIONS), dim=1))
        self.scales = nn.Parameter(torch.tensor([math.log(14.0)] * 2))
        if options.gentle:
            self._go_on()
        self.averages = [copy.deepcopy(self.vision), copy.deepcopy(self.text)]
        self.optimizer = self._optimizer()
        seed = options.seed * 1000 + rank + (501 if options.gentle else 1)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.queue = []

    @torch.no_grad()
    def _go_on(self):
        """Takes the weights of an earlier training; a concept's prototype is the mean of its drawings."""
        weights = torch.load(self.work / "weights.pt")
        self.vision.load_state_dict(weights["vision"])
        self.text.load_state_dict(weights["text"])
        self.vision.eval()
        self.prototypes.zero_()
        for rows in torch.arange(len(self.artwork.pictures)).split(200):
            vectors = self.vision(on_white(self.artwork.pictures[rows], PICTURE_SIDE))
            self.prototypes.index_add_(0, torch.from_numpy(self.artwork.concept_of)[rows], vectors)
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))
        self.scales.fill_(math.log(30.0))
        self.vision.train()
        distributed.barrier()

    def _tokenizer(self):
        file = self.work / "model/tokenizer.json"
        if self.rank == 0 and not self.options.gentle:
            make_tokenizer(self.captions.texts(), file)
        distributed.barrier()
        return Tokenizer.from_file(str(file))

    def _optimizer(self):
        named = [*self.vision.named_parameters(), *self.text.named_parameters()]
        decayed = [p for n, p in named if p.ndim > 1 and "words" not in n]
        plain = [p for n, p in named if p.ndim <= 1 or "words" in n] + [self.prototypes, self.scales]
        self.parameters = decayed + plain
        groups = [
            {"params": decayed, "weight_decay": WEIGHT_DECAY},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98))

    def run(self):
        started, losses = time.time(), []
        for step in range(self.options.steps):
            self._set_learning_rate(step)
            is_early = step < self.options.steps * SMALL_SHARE and not self.options.gentle
            side = SMALL_SIDE if is_early else PICTURE_SIDE
            self.optimizer.zero_grad(set_to_none=True)
            loss = self._loss(side)
            loss.backward()
            self._share_gradients()
            nn.utils.clip_grad_norm_(self.parameters, 5.0)
            self.optimizer.step()
            losses.append(loss.item())
            if self.rank == 0:
                self._average(min(AVERAGE_DECAY, (1 + step) / (10 + step)))
                if (step + 1) % 25 == 0:
                    print(f"step {step + 1}, {time.time() - started:.0f} s, loss {np.mean(losses[-25:]):.3f}", flush=True)
                if (step + 1) % 200 == 0 or step + 1 == self.options.steps:
                    self._keep()
                    print(json.dumps(self._watch()), flush=True)

    def _set_learning_rate(self, step):
        progress = step / self.options.steps
        highest = GENTLE_LEARNING_RATE if self.options.gentle else LEARNING_RATE
        rate = highest * min(1, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = rate + 1e-6

    def _share_gradients(self):
        gradients = [p.grad for p in self.parameters]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.options.processes
        offset = 0
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()

    def _next_concepts(self, count):
        if len(self.queue) < count:
            self.queue = np.random.permutation(len(self.artwork.concepts)).tolist()
        taken, self.queue = self.queue[:count], self.queue[count:]
        return taken

    def _pictures(self, concepts, side):
        """Two pictures of each concept: first all first ones, then all second ones."""
        rows = np.stack([self.artwork.two_pictures(c) for c in concepts]).T.reshape(-1)
        drawings, ink = self.artwork.pictures[rows], torch.from_numpy(self.artwork.ink[rows])
        flips = torch.from_numpy(self.artwork.may_flip[concepts + concepts])
        if self.options.gentle:
            x = show(drawings, flips, side)
            k = chosen(len(x), DISGUISED_SHARE_WHEN_GENTLE)
            x[k] = augment(drawings[k], flips[k], ink[k], side)
        else:
            x = augment(drawings, flips, ink, side)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.vision(x.contiguous(memory_format=torch.channels_last)).float()

    def _loss(self, side):
        share = lambda count: count // self.options.processes
        concepts = self._next_concepts(share(CONCEPTS_A_STEP))
        count = len(concepts)
        described = [self.captions.description(c) for c in concepts]
        others = [self.captions.any_text() for _ in range(share(OTHER_TEXTS_A_STEP))]
        nonsense = [self.captions.nonsense() for _ in range(share(NONSENSE_A_STEP))]
        texts = [self.captions.name(c) for c in concepts] + [t for t, _ in described + others] + nonsense
        pictures, words = self._pictures(concepts, side), self.text(tokens_of(self.tokenizer, texts, FORGOTTEN))
        names, descriptions = words[:count], words[count : 2 * count]
        answers = torch.cat([one_of(concepts, len(self.prototypes)), answers_of(described + others, len(self.prototypes))])

        scale, batch_scale = self.scales.exp().clamp(max=40)
        prototypes = F.normalize(self.prototypes, dim=1)
        known = torch.tensor(concepts)
        loss = F.cross_entropy(scale * pictures @ prototypes.T, known.repeat(2), label_smoothing=0.05)
        loss = loss + self._text_loss(words, answers, prototypes, scale, count)
        loss = loss + 0.5 * paired_loss(batch_scale * pictures @ names.T)
        loss = loss + 0.3 * self._style_loss(pictures, batch_scale, count)
        described_here = answers[count : 2 * count][:, concepts].repeat(1, 2)
        loss = loss + 0.5 * soft_cross_entropy(batch_scale * descriptions @ pictures.T, described_here)
        return loss + 0.3 * nothing_loss(words[-len(nonsense) :] @ pictures.T, batch_scale)

    def _text_loss(self, words, answers, prototypes, scale, count):
        """Every text against all concepts and "nothing", which has a similarity of its own to outdo."""
        similarities = words @ prototypes.T
        nothing = torch.full((len(words), 1), CLOSE)
        logits = scale * torch.cat([similarities, nothing], 1)
        targets = torch.zeros_like(logits)
        targets[: len(answers), :-1] = answers
        targets[len(answers) :, -1] = 1
        each = -(normalise_rows(targets) * F.log_softmax(logits, 1)).sum(1)
        names, descriptions, rest = each[:count], each[count : 2 * count], each[2 * count :]
        return 0.7 * names.mean() + 0.7 * descriptions.mean() + 0.7 * rest.mean()

    def _style_loss(self, pictures, scale, count):
        """The same thing drawn twice is closer than anything else in the batch."""
        similarities = scale * pictures[:count] @ pictures[count:].T
        same = torch.arange(count)
        return (F.cross_entropy(similarities, same) + F.cross_entropy(similarities.T, same)) / 2

    @torch.no_grad()
    def _average(self, decay):
        for average, current in zip(self.averages, (self.vision, self.text)):
            for a, b in zip(average.state_dict().values(), current.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - decay)
                else:
                    a.copy_(b)

    def _keep(self):
        vision, text = (average.state_dict() for average in self.averages)
        torch.save({"vision": vision, "text": text}, self.work / "weights.pt")

    @torch.no_grad()
    def _watch(self):
        """How well names find pictures, and those pictures their concept in Noto, in a style that is never learned."""
        vision, text = (copy.deepcopy(average).eval() for average in self.averages)
        embedded = {}
        for style, (pictures, concepts) in self.artwork.watched.items():
            vectors = torch.cat([vision(on_white(p, PICTURE_SIDE)) for p in pictures.split(200)])
            rows = [k for k, c in enumerate(concepts) if c >= 0]
            embedded[style] = vectors[rows], torch.tensor([concepts[k] for k in rows])
        words = text(tokens_of(self.tokenizer, self.captions.labels["en"]))
        noto, noto_concepts = embedded.pop("noto")
        report = {}
        for style, (vectors, concepts) in embedded.items():
            order = torch.argsort(concepts)
            vectors, concepts = vectors[order], concepts[order]
            ranks = rank_of(words[concepts] @ vectors.T, torch.arange(len(concepts)))
            place = {c: k for k, c in enumerate(noto_concepts.tolist())}
            both = [k for k, c in enumerate(concepts.tolist()) if c in place]
            aims = torch.tensor([place[int(concepts[k])] for k in both])
            across = rank_of(vectors[both] @ noto.T, aims)
            report[style] = {
                "names": [round((ranks < k).float().mean().item(), 3) for k in (1, 5, 10)],
                "across": [round((across < k).float().mean().item(), 3) for k in (1, 5)],
            }
        return report


def one_of(concepts, count):
    return F.one_hot(torch.tensor(concepts), count).float()


def normalise_rows(weights):
    return weights / weights.sum(1, keepdim=True).clamp(min=1e-6)


def soft_cross_entropy(logits, weights):
    return -(normalise_rows(weights) * F.log_softmax(logits, 1)).sum(1).mean()


def paired_loss(logits):
    """(2n pictures, n names), where pictures k and n + k show what name k says."""
    n = logits.shape[1]
    pairs = torch.eye(n).repeat(2, 1)
    return soft_cross_entropy(logits, pairs) + soft_cross_entropy(logits.T, pairs.T)


def nothing_loss(similarities, scale):
    logits = scale * torch.cat([similarities, torch.full((len(similarities), 1), CLOSE)], 1)
    return F.cross_entropy(logits, torch.full((len(logits),), logits.shape[1] - 1))


def rank_of(similarities, aims):
    return (similarities > similarities.gather(1, aims[:, None])).sum(1)


def run_process(rank, work, options):
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", f"file://{work / 'rendezvous'}", rank=rank, world_size=options.processes
    )
    Trainer(work, options, rank).run()
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--gentle", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    work = options.work.resolve()
    (work / "model").mkdir(exist_ok=True)
    (work / "rendezvous").unlink(missing_ok=True)
    multiprocessing.spawn(run_process, (work, options), options.processes)


if __name__ == "__main__":
    main()
