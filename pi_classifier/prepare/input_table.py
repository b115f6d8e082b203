"""The table that quantises a picture: what stands for each byte of each channel in the model's input."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.contracts.model import ModelMetadata


def input_table(metadata: ModelMetadata) -> NDArray[np.uint8]:
    """The quantised (quint8) byte for every byte of every channel: uint8, shape (1, 256, 3), channels in order RGB.

    ToTensor (`x / 255`), Normalize (`(x - mean) / std`) and torch's own quantisation, step by step, on a ramp of all
    values. torch does it: how it rounds a value in the middle between two steps is not what its documentation says
    wherever the zero point is odd. The table is made once, with the bundle, so that all machines see the same input.
    """
    ramp = torch.arange(256, dtype=torch.float32).div(255).expand(3, 256)
    mean, std = torch.tensor(metadata.mean)[:, None], torch.tensor(metadata.std)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantised tensors are announced to go some day; the pinned releases have them
        stored = torch.quantize_per_tensor(
            ramp.sub(mean).div(std).contiguous(), metadata.scale, metadata.zero_point, torch.quint8
        )
    table: NDArray[np.uint8] = stored.int_repr().t().contiguous().numpy()[None]
    return table
