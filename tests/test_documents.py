"""The documents: those made from the code say what it says, and every link leads somewhere."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
"""A link into the project: file, and the heading in it."""


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the generator of a project's documents."""
    command = [sys.executable, str(root / "docs" / "generate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_documents_say_what_the_code_says() -> None:
    """Protects readers: every generated document is what `make docs` would write."""
    done = generate(ROOT, "--check")
    assert done.returncode == 0, f"make docs would change this:\n{done.stdout}{done.stderr}"


def test_a_difference_is_shown_and_mended(tmp_path: Path) -> None:
    """Protects the check itself: a changed document fails with a diff, and is written again as it was."""
    for folder in ("docs", "systemd", "benchmarks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("setup.cfg", "constraints.txt"):
        shutil.copy(ROOT / file, tmp_path)
    page = tmp_path / "docs" / "interface.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before.replace("frames_dropped_total", "frames_lost_total"), encoding="utf-8")
    checked = generate(tmp_path, "--check")
    assert checked.returncode == 1, checked.stderr
    assert "\n-| `pi_classifier_frames_lost_total`" in checked.stdout
    assert "\n+| `pi_classifier_frames_dropped_total`" in checked.stdout
    written = generate(tmp_path)
    assert written.returncode == 0, written.stderr
    assert page.read_text(encoding="utf-8") == before


def test_readme_is_short() -> None:
    """Protects the first impression: the README stays within 150 lines, the rest is under docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def documents() -> Iterator[Path]:
    """Every page of the project."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():  # a deleted file is still listed
            yield ROOT / name


def headings(page: Path) -> set[str]:
    """Of a page, as links name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    """Protects readers from dead ends: every link between the pages names a file, and a heading that is in it."""
    dead, checked = [], 0
    for page in documents():
        for name, heading in LINK.findall(page.read_text(encoding="utf-8")):
            checked += 1
            target = page.parent / name if name else page
            if not target.exists() or (heading and heading not in headings(target)):
                dead.append(f"{page.relative_to(ROOT)}: {name}#{heading}")
    assert dead == []
    assert checked > 0


def test_service_names_documents_that_are_there() -> None:
    """Protects `systemctl help pi-classifier`: the documents that the unit names are in the project."""
    unit = (ROOT / "systemd" / "pi-classifier.service").read_text(encoding="utf-8")
    named = re.findall(r"^Documentation=file:///opt/pi-classifier/current/share/(.+)$", unit, flags=re.MULTILINE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
