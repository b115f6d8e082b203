"""An evaluation as one HTML file: nothing beside it is needed, for the screen, light or dark, and for paper."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import InputError, one_line
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.evaluate import Evaluation, Learning, Mistake

_SIDE = 180
"""Of a mistake's picture, in pixels."""
_WIDTH, _HEIGHT = 480, 160
"""Of a curve."""
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #2a6fdb; --bad: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --accent: #7fb0ff; --bad: #ff8a7a; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: .2rem .6rem; text-align: right; }
th:first-child { text-align: left; }
.wide { overflow-x: auto; }
figure { display: inline-block; margin: .5rem; vertical-align: top; width: 180px; font-size: .85rem; }
figure img { max-width: 180px; max-height: 180px; }
svg { width: 30rem; max-width: 100%; height: auto; } svg text { fill: currentColor; font-size: 11px; }
polyline { fill: none; stroke: var(--accent); stroke-width: 2; } .axis { stroke: var(--line); }
.wrong { color: var(--bad); }
td { background: color-mix(in srgb, var(--accent) calc(var(--share, 0) * 60%), transparent); }
@media print { body { margin: 0; max-width: none; } figure, table, svg { break-inside: avoid; } }
"""


def report(evaluation: Evaluation, metadata: ModelMetadata, folder: Path) -> str:
    """The page.

    Args:
        evaluation: what it shows.
        metadata: of the model.
        folder: of the pictures.
    """
    parts = [
        f"<p>Accuracy <strong>{escape(str(evaluation.accuracy))}</strong></p>",
        _origin(metadata),
        _refusals(evaluation),
        "<h2>Classes</h2>",
        _table(("class", "pictures", "recall", "precision"), _class_rows(evaluation)),
        "<h2>Confusion</h2><p>What it is by row, what was found by column.</p>",
        _confusion(evaluation),
        "<h2>The surest mistakes</h2>",
        "".join(_figure(mistake, folder) for mistake in evaluation.mistakes) or "<p>None.</p>",
        _twins(evaluation, folder),
        _learning(evaluation.learning) if evaluation.learning else "",
    ]
    title = escape(f"{one_line(metadata.weights)} on {one_line(folder.name)}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _origin(metadata: ModelMetadata) -> str:
    training = metadata.training
    if not training:
        return ""
    told = (
        f"Learnt on {training.date} from {training.learnt} pictures in {training.epochs} epochs ({training.method}), "
        f"on {training.base}; {training.correct} of {training.judged} others were right then."
    )
    return f"<p>{escape(told)}</p>"


def _refusals(evaluation: Evaluation) -> str:
    lines = []
    if evaluation.refused:
        lines.append(f"Of known pictures {evaluation.refused} were called unknown.")
    if evaluation.strangers:
        lines.append(f"Of pictures of other classes {evaluation.strangers} were called unknown.")
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _class_rows(evaluation: Evaluation) -> Iterable[Sequence[str]]:
    for one in evaluation.figures:
        yield one.name, str(one.recall.total if one.recall else 0), _percent(one.recall), _percent(one.precision)


def _confusion(evaluation: Evaluation) -> str:
    """Its cells are the darker the larger their part of the row is."""
    rows = []
    for name, counts in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True):
        shares = [count / (sum(counts) or 1) for count in counts]
        cells = [
            f'<td style="--share:{share:.2f}">{count or ""}</td>' for share, count in zip(shares, counts, strict=True)
        ]
        rows.append((name, "".join(cells)))
    return _rows_with_heads(("", *evaluation.classes), rows)


def _percent(share: Accuracy | None) -> str:
    return f"{share.share:.1%}" if share else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = ((first, "".join(f"<td>{escape(one)}</td>" for one in others)) for first, *others in rows)
    return _rows_with_heads(head, cells)


def _rows_with_heads(head: Sequence[str], rows: Iterable[tuple[str, str]]) -> str:
    """A table of rows with their names and their cells, which are markup."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>' for name, cells in rows)
    return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(mistake: Mistake, folder: Path) -> str:
    name = escape(one_line(str(mistake.path.relative_to(folder))))
    return (
        f"<figure>{_picture(mistake.path, name)}<figcaption>{name}<br>{escape(mistake.expected)}, "
        f'found: <span class="wrong">{escape(mistake.found)}</span> {mistake.probability:.0%}</figcaption></figure>'
    )


def _picture(path: Path, name: str) -> str:
    """Small, and inside the page."""
    try:
        picture = Image.fromarray(read_picture(path)[:, :, ::-1])
    except InputError:  # it was there a moment ago
        return ""
    picture.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return f'<img alt="{name}" src="data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}">'


def _twins(evaluation: Evaluation, folder: Path) -> str:
    if not evaluation.twins:
        return ""
    rows = "".join(
        f"<li>{escape(one_line(str(one.relative_to(folder))))} is like "
        f"{escape(one_line(str(other.relative_to(folder))))}</li>"
        for one, other in evaluation.twins
    )
    return f"<h2>Nearly learnt</h2><p>These flatter the accuracy: each is nearly a learnt picture.</p><ul>{rows}</ul>"


def _learning(learning: Learning) -> str:
    rows = [(f"{size} pictures", str(accuracy)) for size, accuracy in learning.sizes]
    *_, (_, before), (_, last) = learning.sizes
    gained = 100 * (last.share - before.share)
    return (
        "<h2>Would more pictures help?</h2><p>A new layer learnt from a part of them, judged by the same others; if "
        f"the last step is large, they would. It is {gained:.1f} points.</p>"
        + _table(("learnt from", "accuracy"), rows)
        + f"<h2>Training</h2>{_curve(learning.losses)}"
    )


def _curve(losses: Sequence[float]) -> str:
    """The loss by epoch, as SVG."""
    most, last = max(losses), max(1, len(losses) - 1)
    points = " ".join(
        f"{40 + (_WIDTH - 50) * epoch / last:.1f},{10 + (_HEIGHT - 40) * (1 - loss / most):.1f}"
        for epoch, loss in enumerate(losses)
    )
    base = _HEIGHT - 30
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="loss by epoch">'
        f'<line class="axis" x1="40" y1="{base}" x2="{_WIDTH - 10}" y2="{base}"/>'
        f'<line class="axis" x1="40" y1="10" x2="40" y2="{base}"/>'
        f'<text x="2" y="16">{most:.2f}</text><text x="2" y="{base}">0</text>'
        f'<text x="{_WIDTH - 90}" y="{_HEIGHT - 12}">{len(losses)} epochs</text><polyline points="{points}"/></svg>'
    )
