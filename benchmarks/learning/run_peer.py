"""Learns own classes as NVIDIA's course does, and answers after each epoch: for benchmarks/training.py alone.

All layers of a torchvision model in floats, with the settings that jetson-inference's train.py has when none are given:
SGD, momentum 0.9, weight decay 1e-4, batches of 8, a learning rate of 0.1; random crops and mirror images.
"""

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.learning.case import PeerFigures, PeerOrder, cpu_seconds, peak_rss_mb
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.training.dataset import read_dataset

BATCH, RATE, MOMENTUM, DECAY = 8, 0.1, 0.9, 1e-4
SIZE, SIDE = 224, 256
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
Picture = NDArray[np.uint8]


class Course:
    """One training."""

    def __init__(self, order: PeerOrder) -> None:
        """Read all pictures: that is not what is measured."""
        dataset = read_dataset(Path(order.folder))
        self._pictures = [_small(read_picture(item.path)) for item in dataset.items]
        self._labels = torch.tensor([item.class_id for item in dataset.items])
        self._learnt = np.array(order.learnt)
        self._judging = np.setdiff1d(np.arange(len(dataset.items)), self._learnt)
        self._model = network(order.model, order.weights, len(dataset.classes))
        self._optimiser = torch.optim.SGD(self._model.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY)
        self._rng = np.random.default_rng(0)

    def epoch(self) -> None:
        """Every learnt picture once."""
        self._model.train()
        order = self._rng.permutation(self._learnt)
        for batch in np.array_split(order, max(1, len(order) // BATCH)):
            given = _batch([self._cropped(self._pictures[index]) for index in batch])
            loss = torch.nn.functional.cross_entropy(self._model(given), self._labels[batch])
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()

    def correct(self) -> int:
        """How many of the others are named rightly."""
        self._model.eval()
        right = 0
        with torch.inference_mode():
            for part in np.array_split(self._judging, max(1, len(self._judging) // 32)):
                given = _batch([_middle(self._pictures[index]) for index in part])
                right += int((self._model(given).argmax(dim=1) == self._labels[part]).sum())
        return right

    def figures(self, began: float) -> PeerFigures:
        """After an epoch."""
        cpu = cpu_seconds() - began
        return PeerFigures(cpu, self.correct(), len(self._judging), peak_rss_mb())

    def _cropped(self, picture: Picture) -> Picture:
        """Torchvision's RandomResizedCrop and RandomHorizontalFlip."""
        height, width = picture.shape[:2]
        area, ratio = self._rng.uniform(0.08, 1) * height * width, np.exp(self._rng.uniform(-0.2877, 0.2877))
        across, down = min(width, round((area * ratio) ** 0.5)), min(height, round((area / ratio) ** 0.5))
        left, top = self._rng.integers(0, width - across + 1), self._rng.integers(0, height - down + 1)
        part = cv2.resize(picture[top : top + down, left : left + across], (SIZE, SIZE))
        return np.asarray(part[:, ::-1] if self._rng.random() < 0.5 else part, np.uint8)


def network(name: str, weights: str, classes: int) -> Any:
    """A model of torchvision with another last layer, from ImageNet's weights or random ones."""
    # For its guard: torchvision's import may need it.
    importlib.import_module("pi_classifier.prepare.torchvision_import")
    torch.manual_seed(0)
    model = getattr(importlib.import_module("torchvision.models"), name)(weights=None)
    if weights:
        state = torch.load(weights, weights_only=True)
        model.load_state_dict(state)
    if hasattr(model, "fc"):
        model.fc = torch.nn.Linear(model.fc.in_features, classes)
    else:
        model.classifier[-1] = torch.nn.Linear(model.classifier[-1].in_features, classes)
    return model


def _small(picture: Picture) -> Picture:
    scale = SIDE / min(picture.shape[:2])
    height, width = (max(SIZE, round(scale * side)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _middle(picture: Picture) -> Picture:
    top, left = ((side - SIZE) // 2 for side in picture.shape[:2])
    return picture[top : top + SIZE, left : left + SIZE]


def _batch(pictures: list[Picture]) -> torch.Tensor:
    """Normalised RGB, float32, N x 3 x 224 x 224."""
    stacked = (np.stack(pictures)[..., ::-1] / np.float32(255) - MEAN) / STD
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))


def main() -> None:
    """Train until the time is up."""
    order = PeerOrder(*json.loads(sys.argv[1]))
    course = Course(order)
    began, judging = cpu_seconds(), 0.0
    while cpu_seconds() - began - judging < order.seconds:
        course.epoch()
        figures = course.figures(began + judging)
        judging += cpu_seconds() - began - judging - figures.cpu
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
