"""What was found, for a person or for a bug report."""

import json
import re
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.text import Text

from pi_classifier.doctor.finding import Finding, State

MARKERS = {
    State.OK: ("ok", "green"),
    State.WARNING: ("warn", "yellow"),
    State.PROBLEM: ("FAIL", "bold red"),
    State.UNKNOWN: ("?", "cyan"),
}
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
SECRETS = re.compile(r"(\w*(?:password|token|secret)\w* = )\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, and the facts of the machine that they were made on."""

    facts: Mapping[str, object]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing must be fixed."""
        return all(finding.state != State.PROBLEM for finding in self.findings)

    def fit_to_send(self) -> Self:
        """Without what is nobody else's business: the user's name in paths, credentials in addresses and values."""
        return replace(
            self,
            findings=tuple(
                replace(finding, seen=_discreet(finding.seen), remedy=_discreet(finding.remedy))
                for finding in self.findings
            ),
        )

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"machine": self.facts, "findings": [asdict(finding) for finding in self.findings]}, indent=2)

    def print(self, console: Console) -> None:
        """An aligned list, the remedy under each finding that is not well."""
        column = max(len(finding.name) for finding in self.findings) + 2
        for finding in self.findings:
            marker, style = MARKERS[finding.state]
            text = Text(_paragraph(f"{marker:<6}{finding.name:<{column}}", finding.seen, console))
            text.stylize(style, 0, len(marker))
            console.print(text, soft_wrap=True)
            if finding.remedy:
                console.print(Text(_paragraph(" " * (column + 6) + "-> ", finding.remedy, console)), soft_wrap=True)
        counts = Counter(finding.state for finding in self.findings)
        console.print(f"{counts[State.PROBLEM]} to fix, {counts[State.WARNING]} to look at", style="bold")


def _paragraph(head: str, text: str, console: Console) -> str:
    """`text` behind `head`, its further lines indented; in a pipe it stays one line, which grep likes better."""
    return textwrap.fill(
        " ".join(text.split()),
        width=console.width if console.is_terminal else len(head) + len(text) + 1,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _discreet(text: str) -> str:
    home = str(Path.home())
    if home != "/":
        text = re.sub(rf"{re.escape(home)}(?=/|\b)", "~", text)
    return SECRETS.sub(r"\1***", CREDENTIALS.sub("***@", text))
