"""Makes one drawing look like another artist's, on another page, through another camera."""

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from model import PIXEL_DEVIATION, PIXEL_MEAN

LUMINANCE = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def uniform(shape, low, high):
    return torch.empty(shape).uniform_(low, high)


def chosen(count, probability):
    return (torch.rand(count) < probability).nonzero()[:, 0]


def normalized(pictures):
    return (pictures - PIXEL_MEAN) / PIXEL_DEVIATION


def on_white(rgba, side):
    """uint8 (n, side, side, 4) → normalized (n, 3, side, side), as the plain picture is seen."""
    x = rgba.permute(0, 3, 1, 2).float() / 255
    x = x[:, :3] * x[:, 3:] + 1 - x[:, 3:]
    return normalized(F.interpolate(x, (side, side), mode="bilinear", antialias=True))


def augment(rgba, may_flip, is_ink, side):
    """uint8 (n, s, s, 4) → normalized (n, 3, side, side). `may_flip` and `is_ink` are boolean (n)."""
    x = rgba.permute(0, 3, 1, 2).float().div_(255)
    recolor_ink(x, is_ink)
    x[:, :3] *= x[:, 3:]
    x = place(x, may_flip, side)
    draw_outline(x)
    colors, alpha = x[:, :3], x[:, 3:]
    page = backgrounds(len(x), side)
    cast_shadow(page, alpha)
    x = colors + (1 - alpha) * page
    change_drawing(x)
    x = change_light(x)
    change_quality(x)
    return normalized(x.clamp_(0, 1))


def show(rgba, may_flip, side):
    """uint8 (n, s, s, 4) → normalized (n, 3, side, side): the drawing as it is, on a light page as libraries have it."""
    x = rgba.permute(0, 3, 1, 2).float().div_(255)
    x[:, :3] *= x[:, 3:]
    x = place(x, may_flip, side, strength=0.6)
    n = len(x)
    corners = uniform((n, 3, 1, 1), 0.85, 1) * uniform((n, 1, 2, 2), 0.93, 1)
    corners[chosen(n, 0.5)] = 1
    page = F.interpolate(corners, (side, side), mode="bilinear")
    return normalized(x[:, :3] + (1 - x[:, 3:]) * page)


def recolor_ink(x, is_ink):
    """Thin or filled drawings of one ink, in any dark color."""
    k = (is_ink & (torch.rand(len(x)) < 0.5)).nonzero()[:, 0]
    if len(k):
        x[k, :3] = (x[k, :3] + uniform((len(k), 3, 1, 1), 0, 0.5)).clamp(max=1)


def place(x, may_flip, side, strength=1.0):
    """Size, stretch (pictures that are not square are squeezed), turn, shift, and at full strength a soft warp."""
    n = len(x)
    shrink = (uniform(n, -0.3, 0.42) * strength).exp()
    wide = torch.rand(n) < 0.35
    stretch = torch.where(wide, uniform(n, -0.24, 0.24), uniform(n, -0.1, 0.1)).exp()
    turn = torch.randn(n) * 0.13 * strength
    flip = torch.where(may_flip & (torch.rand(n) < 0.5), -1.0, 1.0)
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0] = shrink * stretch * turn.cos() * flip
    matrix[:, 0, 1] = -shrink * stretch * turn.sin()
    matrix[:, 1, 0] = shrink / stretch * turn.sin() * flip
    matrix[:, 1, 1] = shrink / stretch * turn.cos()
    matrix[:, :, 2] = torch.randn(n, 2) * 0.1 * strength
    grid = F.affine_grid(matrix, (n, 4, side, side), align_corners=False)
    k = chosen(n, 0.5 if strength == 1 else 0.0)
    warp = torch.randn(len(k), 2, 4, 4) * uniform((len(k), 1, 1, 1), 0.02, 0.07)
    grid[k] += F.interpolate(warp, (side, side), mode="bicubic").permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, align_corners=False)


def draw_outline(x):
    """A dark contour around the motif, as cartoon styles have it."""
    k = chosen(len(x), 0.15)
    if not len(k):
        return
    alpha = x[k, 3:]
    grown = F.max_pool2d(alpha, 3, 1, 1)
    ink = uniform((len(k), 3, 1, 1), 0, 0.35)
    x[k, :3] += (grown - alpha) * ink
    x[k, 3:] = grown


def backgrounds(n, side):
    page = torch.ones(n, 3, side, side)
    u = torch.rand(n)
    page[(u > 0.5) & (u < 0.54)] = 0
    for low, high, darkest in ((0.54, 0.74, 0.8), (0.74, 0.84, 0.0)):
        k = ((u >= low) & (u < high)).nonzero()[:, 0]
        page[k] = uniform((len(k), 3, 1, 1), darkest, 1).expand(-1, -1, side, side)
    k = (u >= 0.84).nonzero()[:, 0]
    if len(k):
        corners = uniform((len(k), 3, 3, 3), 0, 1)
        corners[len(k) // 2 :] = corners[len(k) // 2 :] * 0.25 + 0.75
        page[k] = F.interpolate(corners, (side, side), mode="bilinear")
    return page


def cast_shadow(page, alpha):
    k = chosen(len(page), 0.12)
    if not len(k):
        return
    shadow = F.avg_pool2d(alpha[k], 5, 1, 2)
    shadow = torch.roll(shadow, (np.random.randint(1, 5), np.random.randint(-3, 4)), (2, 3))
    page[k] *= 1 - shadow * uniform((len(k), 1, 1, 1), 0.15, 0.6)


def change_drawing(x):
    """Flat colors, inner contours, or contours alone."""
    n = len(x)
    k = chosen(n, 0.12)
    if len(k):
        levels = torch.randint(3, 7, (len(k), 1, 1, 1)).float()
        x[k] = (x[k] * levels).round() / levels
    k = chosen(n, 0.1)
    if len(k):
        x[k] *= 1 - (contours(x[k]) * uniform((len(k), 1, 1, 1), 1, 3)).clamp(max=0.9)
    k = chosen(n, 0.07)
    if len(k):
        lines = 1 - (contours(x[k]) * uniform((len(k), 1, 1, 1), 2, 6)).clamp(max=1)
        x[k] = lines * uniform((len(k), 3, 1, 1), 0.85, 1)
    k = chosen(n, 0.15)
    for i in k.tolist():
        h, w = np.random.randint(6, 18, 2)
        side = x.shape[-1]
        top, left = np.random.randint(0, side - h), np.random.randint(0, side - w)
        x[i, :, top : top + h, left : left + w] = torch.rand(3, 1, 1)


def contours(x):
    gray = (x * LUMINANCE).sum(1, keepdim=True)
    return F.max_pool2d(gray, 3, 1, 1) + F.max_pool2d(-gray, 3, 1, 1)


def change_light(x):
    n = len(x)
    x = (x - 0.5) * uniform((n, 1, 1, 1), 0.7, 1.25) + 0.5
    x = x + uniform((n, 1, 1, 1), -0.1, 0.1) + uniform((n, 3, 1, 1), -0.05, 0.05)
    gray = x.mean(1, keepdim=True)
    saturation = uniform((n, 1, 1, 1), 0.5, 1.4)
    saturation[chosen(n, 0.05)] = 0
    x = gray + (x - gray) * saturation
    k = chosen(n, 0.35)
    if len(k):
        angle = torch.randn(len(k)) * 0.25
        x[k] = turn_hue(x[k], angle)
    k = chosen(n, 0.04)
    if len(k):
        x[k] = turn_hue(x[k], uniform(len(k), -math.pi, math.pi))
    return x


def turn_hue(x, angle):
    """Rotation about the gray axis of the color cube."""
    c, s = angle.cos(), angle.sin() / math.sqrt(3)
    a, b, d = (1 + 2 * c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s
    rotation = torch.stack([a, b, d, d, a, b, b, d, a], 1).view(-1, 3, 3)
    return torch.einsum("nij,njhw->nihw", rotation, x)


def change_quality(x):
    side = x.shape[-1]
    k = chosen(len(x), 0.25)
    if len(k):
        small = int(side * np.random.choice([0.45, 0.6, 0.75]))
        shrunk = F.interpolate(x[k], (small, small), mode="area")
        x[k] = F.interpolate(shrunk, (side, side), mode="bilinear")
    for i in chosen(len(x), 0.08).tolist():
        pixels = (x[i].clamp(0, 1) * 255).byte().permute(1, 2, 0).contiguous().numpy()
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(np.random.randint(20, 80)))
        decoded = np.asarray(Image.open(file)).copy()
        x[i] = torch.from_numpy(decoded).permute(2, 0, 1).float() / 255
