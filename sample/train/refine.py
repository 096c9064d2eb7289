"""Fits the texts to the finished picture encoder.

    python refine.py WORK [--steps 2800] [--seed 0]

During the training both encoders move, and texts aim at prototypes. Here the drawings stand still: every step each
concept is represented by one of its drawings, and texts are matched with those. Takes WORK/weights.pt, writes
WORK/refined.pt.
"""

import argparse
import copy
import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from augmentation import augment, on_white, show
from captions import answers_of
from model import DIMENSIONS, PICTURE_SIDE, TextEncoder, VisionEncoder
from tokenizer import tokens_of
from train import CLOSE, FORGOTTEN, Artwork, normalise_rows, one_of

NAMES, DESCRIPTIONS, OTHERS, NONSENSE = 176, 112, 208, 48
SCALE = 35.0
LEARNING_RATE = 1.5e-3
AVERAGE_DECAY = 0.99
# Each drawing as it is, twice as a library shows it, and once in disguise.
VERSIONS = 4


@torch.no_grad()
def embed(vision, artwork):
    """(VERSIONS, pictures, 256)"""
    flips = torch.from_numpy(artwork.may_flip[artwork.concept_of])
    ink = torch.from_numpy(artwork.ink)
    versions = torch.zeros(VERSIONS, len(artwork.pictures), DIMENSIONS)
    for rows in torch.arange(len(artwork.pictures)).split(160):
        pictures = artwork.pictures[rows]
        seen = [on_white(pictures, PICTURE_SIDE)]
        seen += [show(pictures, flips[rows], PICTURE_SIDE) for _ in range(2)]
        seen += [augment(pictures, flips[rows], ink[rows], PICTURE_SIDE)]
        for version, x in zip(versions, seen):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                version[rows] = vision(x.contiguous(memory_format=torch.channels_last)).float()
    return versions


def any_drawing_of_each(artwork, versions):
    rows = [np.random.choice(p, p=c) for p, c in zip(artwork.pictures_of, artwork.chances_of)]
    return versions[torch.randint(len(versions), (len(rows),)), torch.tensor(rows)]


def loss_of(text, tokenizer, captions, drawings):
    count = len(drawings)
    concepts = random.sample(range(count), NAMES)
    described = [captions.description(random.randrange(count)) for _ in range(DESCRIPTIONS)]
    others = [captions.any_text() for _ in range(OTHERS)]
    nonsense = [captions.nonsense() for _ in range(NONSENSE)]
    texts = [captions.name(c) for c in concepts] + [t for t, _ in described + others] + nonsense
    words = text(tokens_of(tokenizer, texts, FORGOTTEN))
    answers = torch.cat([one_of(concepts, count), answers_of(described + others, count)])
    logits = SCALE * torch.cat([words @ drawings.T, torch.full((len(words), 1), CLOSE)], 1)
    targets = torch.zeros_like(logits)
    targets[: len(answers), :-1] = answers
    targets[len(answers) :, -1] = 1
    return -(normalise_rows(targets) * F.log_softmax(logits, 1)).sum(1).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=2800)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    weights = torch.load(options.work / "weights.pt")
    artwork = Artwork(options.work)
    captions = artwork.captions(options.work)
    tokenizer = Tokenizer.from_file(str(options.work / "model/tokenizer.json"))
    vision, text = VisionEncoder().to(memory_format=torch.channels_last).eval(), TextEncoder()
    vision.load_state_dict(weights["vision"])
    text.load_state_dict(weights["text"])
    random.seed(options.seed)
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    versions = embed(vision, artwork)
    average = copy.deepcopy(text)
    optimizer = torch.optim.AdamW(text.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    for step in range(options.steps):
        rate = LEARNING_RATE * min(1, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / options.steps))
        optimizer.param_groups[0]["lr"] = rate
        loss = loss_of(text, tokenizer, captions, any_drawing_of_each(artwork, versions))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for a, b in zip(average.parameters(), text.parameters()):
                a.lerp_(b, 1 - AVERAGE_DECAY)
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}, loss {loss.item():.3f}", flush=True)
            torch.save({"vision": weights["vision"], "text": average.state_dict()}, options.work / "refined.pt")
    torch.save({"vision": weights["vision"], "text": average.state_dict()}, options.work / "refined.pt")


if __name__ == "__main__":
    main()
