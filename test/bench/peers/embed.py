"""Embeds the photographs of a folder as a script of a few lines would, and prints the milliseconds per image.

    python embed.py MODEL.onnx FOLDER THREADS
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

SIDE = 224
WARM_UP = 4

model, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def prepare(file):
    with Image.open(file) as image:
        image = image.convert("RGB")
        scale = SIDE / min(image.size)
        image = image.resize([max(SIDE, int(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
        left, top = [(side - SIDE) // 2 for side in image.size]
        image = image.crop((left, top, left + SIDE, top + SIDE))
        pixels = np.asarray(image, dtype=np.float32) / 255
    return ((pixels - 0.5) / 0.5).transpose(2, 0, 1)[np.newaxis]


def embed(file):
    (vector,) = session.run(["image_embeds"], {"pixel_values": prepare(file)})
    return vector / np.linalg.norm(vector)


files = sorted(folder.glob("*.jpg"))
for file in files[:WARM_UP]:
    embed(file)
start = time.perf_counter()
vectors = [embed(file) for file in files]
print((time.perf_counter() - start) / len(vectors) * 1000)
