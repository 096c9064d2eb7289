"""The vocabulary: pieces of the words that the captions use, in nine languages."""

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from model import END, START, UNKNOWN, VOCABULARY

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LONGEST = 20


def make_tokenizer(texts, file):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=True, strip_accents=True, handle_chinese_chars=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, min_frequency=2, special_tokens=SPECIAL, limit_alphabet=2500
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", START), ("[SEP]", END)]
    )
    tokenizer.save(str(file), pretty=False)


def tokens_of(tokenizer, texts, forgotten=0.0):
    """(texts, tokens) ids padded with 0; each word may be forgotten with that probability."""
    found = [encoding.ids[:LONGEST] for encoding in tokenizer.encode_batch(texts)]
    ids = np.zeros((len(found), max(map(len, found))), np.int64)
    for row, tokens in zip(ids, found):
        row[: len(tokens)] = tokens
    ids = torch.from_numpy(ids)
    ids[(torch.rand(ids.shape) < forgotten) & (ids >= len(SPECIAL))] = UNKNOWN
    return ids
