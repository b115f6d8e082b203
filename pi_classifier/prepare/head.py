"""A last layer in floats, as it is learnt; known without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Head(NamedTuple):
    """A linear layer in floats, which makes logits of the features' real values."""

    weights: NDArray[np.float32]
    """Shape (n_classes, n_features)."""
    bias: NDArray[np.float32]
    """Shape (n_classes,)."""

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits, shape (n_pictures, n_classes). `values`: of features, shape (n_pictures, n_features)."""
        return values @ self.weights.T + self.bias
