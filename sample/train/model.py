"""The pair of encoders: pictures of 64 × 64 pixels and token ids, both to unit vectors of 256 dimensions."""

import torch
import torch.nn as nn
import torch.nn.functional as F

DIMENSIONS = 256
PICTURE_SIDE = 64
PIXEL_MEAN, PIXEL_DEVIATION = 0.5, 0.25
PAD, UNKNOWN, START, END = range(4)
VOCABULARY = 14_000
MAX_TOKENS = 32
TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS, TEXT_HIDDEN = 128, 2, 4, 256
STAGES = (24, 64, 128, 320)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class VisionEncoder(nn.Module):
    """(batch, 3, side, side), normalized → (batch, 256)."""

    def __init__(self):
        super().__init__()
        first = STAGES[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        stages = [Residual(first, first, 1)]
        stages += [Residual(a, b, 2) for a, b in zip(STAGES, STAGES[1:])]
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(0.1)
        self.projection = nn.Linear(STAGES[-1] * 2, DIMENSIONS)

    def forward(self, pixel_values):
        x = self.stages(self.stem(pixel_values)).float()
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return F.normalize(self.projection(self.dropout(x)), dim=-1)


class Attention(nn.Module):
    """A transformer layer, normalized first."""

    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(TEXT_WIDTH)
        self.inputs = nn.Linear(TEXT_WIDTH, 3 * TEXT_WIDTH)
        self.outputs = nn.Linear(TEXT_WIDTH, TEXT_WIDTH)
        self.norm2 = nn.LayerNorm(TEXT_WIDTH)
        self.hidden1 = nn.Linear(TEXT_WIDTH, TEXT_HIDDEN)
        self.hidden2 = nn.Linear(TEXT_HIDDEN, TEXT_WIDTH)

    def forward(self, x, mask):
        batch, length, width = x.shape
        split = self.inputs(self.norm1(x)).reshape(batch, length, 3, TEXT_HEADS, width // TEXT_HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) * (width // TEXT_HEADS) ** -0.5 + mask
        attended = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
        x = x + self.outputs(attended)
        return x + self.hidden2(F.relu(self.hidden1(self.norm2(x))))


class TextEncoder(nn.Module):
    """(batch, tokens) ids padded with 0 → (batch, 256). Needs no attention mask: it sees the padding."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, TEXT_WIDTH)
        nn.init.normal_(self.words.weight, std=0.05)
        self.positions = nn.Parameter(torch.randn(MAX_TOKENS, TEXT_WIDTH) * 0.01)
        self.layers = nn.ModuleList(Attention() for _ in range(TEXT_LAYERS))
        self.norm = nn.LayerNorm(TEXT_WIDTH)
        self.projection = nn.Linear(TEXT_WIDTH, DIMENSIONS)

    def forward(self, input_ids):
        present = (input_ids != PAD).float()
        x = self.words(input_ids) + self.positions[: input_ids.shape[1]]
        mask = (1 - present)[:, None, None, :] * -1e4
        for layer in self.layers:
            x = layer(x, mask)
        # The mean over words; start and end count only where there is nothing else.
        weight = present * (input_ids != START).float() * (input_ids != END).float() + present * 1e-3
        x = (self.norm(x) * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
        return F.normalize(self.projection(x), dim=-1)
