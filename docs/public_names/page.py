"""docs/interface.md."""

from pi_classifier.runtimes.bundle import METADATA
from pi_classifier.runtimes.metadata import VERSION
from public_names import declared, observed


def interface() -> str:
    """The page."""
    return f"""\
# Public names

What scripts, dashboards and other programs rely on. A change of any of these names, types or meanings is a line in
[CHANGELOG.md](../CHANGELOG.md), and from the tag of 0.1.0 on the list binds. Everything else, the Python modules
included, may change at any time.

This page is made from the code by `make docs`; a test compares the two.

## Commands

{declared.commands()}
## Configuration

The default is written as in `config.toml`. Of several cameras the second is `PI_CLASSIFIER_CAMERA__1__...`; the only
one needs no number. [configuration.md](configuration.md) explains the keys.

{declared.configuration()}
## Exit codes

{declared.exit_codes()}
## Metrics

An info is exposed as a gauge that is 1. A histogram `NAME` is exposed as `NAME_bucket` with the label `le`,
`NAME_sum` and `NAME_count`. The client library adds `process_*`, which are its own. `soc_*` are there where the
machine tells them; what needs a frame or a prediction is there after the first. The labels of `build_info` are
versions: of this program, of OpenCV, of Python, and of the packages that run the model.

{observed.metrics()}
## Lines of `run --log-format json`

One object a line, on stdout, for each camera once an interval, and its totals at the end; and for each event as it
happens, each group of cameras among them ([groups.md](groups.md)).

{observed.log_lines()}
## Lines of `classify --json`

One object a line, on stdout, for each frame, and for each input that cannot be read, or not to its end.

{observed.classify_lines()}
With a detector:

{observed.detect_lines()}
## Events and the journal

Under systemd an event is an entry of the journal, with fields (`journalctl -o json`) and a text, which is for people
and may change. `dropped_REASON` is there for each reason.

{observed.events()}
## Metadata of a bundle

`{METADATA}`, the first member of the zip file that a bundle is: one object with the following fields and `version`,
which is {VERSION}. A file of another version is refused.

{declared.metadata()}"""
