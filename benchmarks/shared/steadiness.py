"""The rule for steady labels, where a benchmark puts a pipeline together as the daemon does."""

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.model import Model
from pi_classifier.inference.steadiness import LabelSteadiness, Steadiness


def of_the_daemon(model: Model, camera: str) -> Steadiness:
    """With the default settings, for one camera; nobody listens."""
    return LabelSteadiness(
        SteadinessSettings(),
        cameras=[camera],
        categories=model.metadata.categories,
        watches={},
        on_change=lambda _change: None,
    )
