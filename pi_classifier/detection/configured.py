"""The detector that a configuration names: a file, or one that is published."""

from pathlib import Path
from typing import get_args

from pi_classifier.config.schema import Detector as DetectorName
from pi_classifier.config.schema import Settings, is_published_detector
from pi_classifier.detection.detector import Detector
from pi_classifier.detection.limits import Limits, check_labels
from pi_classifier.detection.opening import Wishes, open_detector


def configured(settings: Settings, cache: Path, *, progress: bool) -> Detector:
    """Ready to run.

    Args:
        settings: which name a detector.
        cache: the folder of what was downloaded.
        progress: whether a download shows its progress on stderr.

    Raises:
        ConfigError, ModelError: as `open_detector`; also a label in the configuration that it does not have.
        WeightsUnavailable: published weights are neither in the cache nor to be had.
        CannotWrite: nor is there a place for them.
    """
    model, decoder = settings.model, settings.detect.decoder
    path, wishes = Path(model.weights), Wishes(model.labels, "" if decoder == "auto" else decoder)
    if model.name in get_args(DetectorName):
        # Not imported for a file alone: the client of HTTP comes with it.
        from pi_classifier.detection.published import PUBLISHED, fetched  # noqa: PLC0415

        published = PUBLISHED[model.name]
        wishes = wishes._replace(otherwise=str(published.labels))
        if is_published_detector(model):
            path = fetched(published, cache, progress=progress)
            wishes = wishes._replace(decoder=wishes.decoder or published.decoder)
    detector = open_detector(path, wishes, Limits.of(settings), threads=model.threads)
    check_labels(settings, detector.metadata.categories)
    return detector
