"""Writes the trained encoders as transformers.js reads them.

    python export.py WORK OUTPUT

Weights are stored as 8-bit integers with a scale for each output channel (for each word in the table of words) and
multiplied out when a session starts: files a quarter as large, vectors that differ in the third decimal.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from model import (
    DIMENSIONS,
    END,
    MAX_TOKENS,
    PAD,
    PICTURE_SIDE,
    PIXEL_DEVIATION,
    PIXEL_MEAN,
    STAGES,
    START,
    TEXT_HEADS,
    TEXT_HIDDEN,
    TEXT_LAYERS,
    TEXT_WIDTH,
    VOCABULARY,
    TextEncoder,
    VisionEncoder,
)

SMALLEST_QUANTIZED = 2048

CONFIG = {
    "model_type": "clip",
    "architectures": ["CLIPModel"],
    "projection_dim": DIMENSIONS,
    "logit_scale_init_value": 2.6592,
    "text_config": {
        "model_type": "clip_text_model",
        "vocab_size": VOCABULARY,
        "hidden_size": TEXT_WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": TEXT_HEADS,
        "intermediate_size": TEXT_HIDDEN,
        "max_position_embeddings": MAX_TOKENS,
        "projection_dim": DIMENSIONS,
        "pad_token_id": PAD,
        "bos_token_id": START,
        "eos_token_id": END,
    },
    "vision_config": {
        "model_type": "clip_vision_model",
        "image_size": PICTURE_SIDE,
        "hidden_size": STAGES[-1],
        "num_channels": 3,
        "projection_dim": DIMENSIONS,
    },
}
PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "feature_extractor_type": "CLIPFeatureExtractor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": PICTURE_SIDE, "width": PICTURE_SIDE},
    "resample": 1,
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [PIXEL_MEAN] * 3,
    "image_std": [PIXEL_DEVIATION] * 3,
}
TOKENIZER = {
    "tokenizer_class": "CLIPTokenizer",
    "model_max_length": MAX_TOKENS,
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "do_lower_case": True,
    "clean_up_tokenization_spaces": True,
}


def export(module, example, names, axes, file):
    torch.onnx.export(
        module.eval(),
        (example,),
        str(file),
        input_names=names[:1],
        output_names=names[1:],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def quantize(source, target):
    model = onnx.load(str(source))
    graph = model.graph
    scaled = []
    for tensor in list(graph.initializer):
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.ndim < 2 or weights.size < SMALLEST_QUANTIZED:
            continue
        user = only_user(graph, tensor.name)
        scale = np.maximum(np.abs(weights).max(axis=summed_axes(user, weights), keepdims=True) / 127, 1e-9)
        integers = np.clip(np.round(weights / scale), -127, 127).astype(np.int8)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(integers, f"{tensor.name}_integers"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{tensor.name}_scale"))
        if user.op_type == "Gather":
            scale_rows(graph, user, tensor.name)
        else:
            scaled += multiplied_out(f"{tensor.name}_integers", f"{tensor.name}_scale", tensor.name)
    for position, node in enumerate(scaled):
        graph.node.insert(position, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def only_user(graph, name):
    (user,) = [node for node in graph.node if name in node.input]
    return user


def summed_axes(user, weights):
    """All but the axis of outputs: the last one of a plain product, else the first one."""
    is_transposed = any(a.name == "transB" and a.i for a in user.attribute)
    if user.op_type == "MatMul" or (user.op_type == "Gemm" and not is_transposed):
        return tuple(range(weights.ndim - 1))
    return tuple(range(1, weights.ndim))


def multiplied_out(integers, scale, result):
    return [
        helper.make_node("Cast", [integers], [f"{result}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{result}_float", scale], [result]),
    ]


def scale_rows(graph, gather, name):
    """Of the table of words only the rows that are looked up are multiplied out."""
    rows, (_, indices), position = gather.output[0], gather.input, list(graph.node).index(gather)
    graph.node.remove(gather)
    nodes = [
        helper.make_node("Gather", [f"{name}_integers", indices], [f"{rows}_integers"]),
        helper.make_node("Gather", [f"{name}_scale", indices], [f"{rows}_scale"]),
        *multiplied_out(f"{rows}_integers", f"{rows}_scale", rows),
    ]
    for offset, node in enumerate(nodes):
        graph.node.insert(position + offset, node)


def main(work, output):
    weights = torch.load(work / "refined.pt")
    vision, text = VisionEncoder(), TextEncoder()
    vision.load_state_dict(weights["vision"])
    text.load_state_dict(weights["text"])
    (output / "onnx").mkdir(parents=True, exist_ok=True)
    export(
        vision,
        torch.randn(2, 3, PICTURE_SIDE, PICTURE_SIDE),
        ["pixel_values", "image_embeds"],
        {"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}},
        work / "vision.onnx",
    )
    export(
        text,
        torch.randint(4, 99, (2, 9)),
        ["input_ids", "text_embeds"],
        {"input_ids": {0: "batch", 1: "tokens"}, "text_embeds": {0: "batch"}},
        work / "text.onnx",
    )
    for name in ("vision", "text"):
        quantize(work / f"{name}.onnx", output / f"onnx/{name}_model_quantized.onnx")
    shutil.copy(work / "model/tokenizer.json", output / "tokenizer.json")
    for name, content in (
        ("config.json", CONFIG),
        ("preprocessor_config.json", PREPROCESSOR),
        ("tokenizer_config.json", TOKENIZER),
    ):
        (output / name).write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
