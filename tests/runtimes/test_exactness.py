"""The whole path on real photographs, against the reference predictions."""

import csv
from pathlib import Path

import numpy as np

from pi_classifier.model import Model
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.classification import Classification
from pi_classifier.sources.files import read_picture
from pi_classifier.offline.reference_transform import reference_crop


def test_photographs_agree_with_the_reference(test_data: Path, real_model: Model) -> None:
    """Protects exactness end to end: top-1 equals the reference on at least 198 of 200 photographs.

    Logits of the quantised model lie on a coarse grid, so exact ties between the two best classes do occur; either
    of two equal classes is right.
    """
    card = real_model.card
    preprocess = Preprocessor(real_model.input_table, card.input_size)
    rank, model_input = Ranking(card.categories, 2), np.empty((card.input_size, card.input_size, 3), np.uint8)
    with (test_data / "photos" / "labels.csv").open(newline="", encoding="utf-8") as file:
        photos = list(csv.DictReader(file))
    disagreements = []
    for photo in photos:
        pixels = read_picture(test_data / "photos" / photo["file"])
        preprocess(reference_crop(pixels, resize_size=card.resize_size, crop_size=card.input_size), model_input)
        best, second = rank(real_model(model_input))
        right = {best.class_id} | ({second.class_id} if second.probability == best.probability else set())
        if int(photo["ref_top1_index"]) not in right:
            disagreements.append(f"{photo['file']}: {best.label}, reference {photo['ref_top1_label']}")
    assert len(photos) == 200
    assert len(disagreements) <= 2, disagreements


def test_photographs_preprocess_as_the_tutorial_does(test_data: Path, real_model: Model) -> None:
    """Protects exactness on real pictures: the model's input is the tutorial's, bit for bit, on every photograph."""
    import torch
    from torchvision import transforms

    card = real_model.card
    tutorial = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=card.mean, std=card.std)])
    preprocess, out = Preprocessor(real_model.input_table, card.input_size), np.empty((224, 224, 3), np.uint8)
    photos = sorted((test_data / "photos_permissive").glob("*.jpg"))
    for photo in photos:
        frame = reference_crop(read_picture(photo), resize_size=256, crop_size=224)
        preprocess(frame, out)
        # The tutorial's own way from OpenCV's BGR frame to the model.
        quantised = torch.quantize_per_tensor(
            tutorial(np.ascontiguousarray(frame[:, :, [2, 1, 0]])), card.scale, card.zero_point, torch.quint8
        )
        assert np.array_equal(out, quantised.int_repr().permute(1, 2, 0).numpy()), photo.name
    assert len(photos) > 20
