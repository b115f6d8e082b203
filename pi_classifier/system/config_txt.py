"""The camera's lines in the boot partition's config.txt: what is wanted, what is there, how to write it and undo it.

Our lines stand in one marked block at the end of the file, under `[all]`: there they have the last word, so nobody
else's line needs to be edited. But for what must not be there at all: a later line can change a `gpu_mem` and not unset
it. Such lines of others are reported, and commented out only with consent, behind a mark that `revert` takes off again.
What is wanted is read from the fragments in `boot_config`, which its README explains.
"""

import contextlib
import difflib
import errno
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pi_classifier.errors import ConfigError
from pi_classifier.system.atomic_file import replace_file

FRAGMENTS = {"buster": "bullseye.txt", "bullseye": "bullseye.txt", "bookworm": "bookworm.txt", "trixie": "bookworm.txt"}
"""By VERSION_CODENAME: the fragment of its generation."""

BEGIN = "# >>> pi-classifier"
END = "# <<< pi-classifier"
NOTE = "# Written by 'pi-classifier boot-config apply', taken back by 'pi-classifier boot-config revert'."
OPEN_ENDED = "# The line above had no line ending."
COMMENTED_OUT = "#pi-classifier# "
BACKUP_SUFFIX = ".pi-classifier-backup"

# Bookworm leaves a /boot/config.txt behind that only says this; the firmware never reads it.
SIGNPOST = "has moved to /boot/firmware/config.txt"

# What they capture is ASCII, so that any of it can be printed whatever bytes the file holds.
SECTION = re.compile(r"\s*\[([ -Z^-~]*)")
SETTING = re.compile(r"\s*(\w+)\s*=\s*([!-~]*)", re.ASCII)
INCLUDE = re.compile(r"\s*include\s+([!-~]+)")
FRAGMENT_LINE = re.compile(r"(#?)(\w+)=(\S*)")
SENSOR_OVERLAY = re.compile(r"(imx|ov|ar|gc|mira)\d|arducam|camera-mux|irs1125|tc358743|veye")

# An included file comes too late for what the bootloader decides: it heeds memory and firmware in config.txt alone.
INCLUDABLE = ("camera_auto_detect", "dtoverlay")

REMEDIES = {
    errno.ENOENT: "run this on Raspberry Pi OS",
    errno.EACCES: "run the command with sudo",
    errno.EPERM: "run the command with sudo",
    errno.EROFS: "make the boot partition writable with 'sudo mount -o remount,rw {folder}'",
    errno.ENOSPC: "make room in {folder}",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One `key=value` line that the firmware may act on."""

    file: str
    line: int
    section: str
    """The filter it stands under: `all` always applies, any other may."""
    key: str
    value: str

    def __str__(self) -> str:
        section = "" if self.section == "all" else f" under [{self.section}]"
        return f"{self.file}, line {self.line}{section}: {self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class Status:
    """How config.txt stands to what its OS release wants."""

    path: Path
    release: str
    """VERSION_CODENAME: `bookworm`."""
    bits: int
    """32 or 64: of the programs, whatever the kernel is."""
    wanted: tuple[str, ...]
    """The settings of this release, as `key=value`."""
    missing: tuple[str, ...]
    """Those of them that are not in effect; none where the file loads a sensor's driver itself."""
    stale: tuple[Setting, ...]
    """What must go: settings that this release's camera stack cannot live with; always lines of config.txt itself."""
    sensor: Setting | None
    """The overlay by which the file has chosen its camera itself."""

    @property
    def ok(self) -> bool:
        """Whether the camera's settings are all that they should be."""
        return not self.missing and not self.stale

    @property
    def messages(self) -> tuple[str, ...]:
        """For the user, a line each; what is wrong ends in its remedy."""
        found = [f"{self.path}: Raspberry Pi OS {self.release}, {self.bits}-bit"]
        if self.sensor:
            found.append(f"{self.sensor} chooses the camera; nothing is added to it")
        else:
            found += [f"{line}: fine as it is" for line in self.wanted if line not in self.missing]
        found += [f"{line} is missing; add it with 'pi-classifier boot-config apply'" for line in self.missing]
        for setting in self.stale:
            found.append(
                f"{setting} is of the legacy camera stack, which ended with bullseye; "
                "delete the line or run 'pi-classifier boot-config apply --comment-out'"
            )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Change:
    """What `apply` or `revert` did to config.txt, or would do."""

    path: Path
    before: str
    after: str
    messages: tuple[str, ...]
    """For the user, a line each."""

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """A unified diff that can be printed; empty where nothing changes."""
        name = str(self.path)
        lines = difflib.unified_diff(_split(self.before), _split(self.after), name, name)
        text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        return text.encode(errors="surrogateescape").decode(errors="replace")


def status(root: Path = Path("/")) -> Status:
    """Compare config.txt with what the OS release wants; writes nothing. `root` is where the system is mounted.

    Raises ConfigError where there is no config.txt, it cannot be read, or the OS release is unknown.
    """
    path = _find(root)
    return _judge(root, path, _read(path))


def apply(root: Path = Path("/"), *, comment_out: bool = False, dry_run: bool = False) -> Change:
    """Put what is missing into our block at the end of config.txt, and keep a backup of the untouched file beside it.

    Done twice it is done once. With `comment_out`, stale lines of others are commented out, too. With `dry_run`
    nothing is written. Raises ConfigError as `status` does, and where the file cannot be written.
    """
    path = _find(root)
    before = _read(path)
    after = _without_block(before, path)
    foreign = _judge(root, path, after)
    if comment_out:
        after = _commented_out(after, foreign.stale)
    after = _with_block(after, foreign.missing)
    change = Change(path, before, after, _judge(root, path, after).messages + _outcome(path, before, after))
    if change.changed and not dry_run:
        backup = path.with_name(path.name + BACKUP_SUFFIX)
        # One from an earlier time is nearer to the original than anything we could save now.
        if not backup.exists():
            _write(backup, _original(before, path), like=path)
        _write(path, after, like=path)
    return change


def revert(root: Path = Path("/"), *, dry_run: bool = False) -> Change:
    """Take exactly our change back out of config.txt; what others edited since, even inside our block, stays.

    With `dry_run` nothing is written. Raises ConfigError where there is no config.txt or it cannot be read or written.
    """
    path = _find(root)
    before = _read(path)
    after = _original(before, path)
    change = Change(path, before, after, _outcome(path, before, after))
    if change.changed and not dry_run:
        _write(path, after, like=path)
    return change


def _outcome(path: Path, before: str, after: str) -> tuple[str]:
    return (f"{path}: nothing to change" if before == after else f"{path}: the change takes effect after a reboot",)


def _judge(root: Path, path: Path, text: str) -> Status:
    release, fragment = _release(root)
    wanted, unwanted = _fragment(fragment)
    with _explained(path):
        settings = tuple(_settings(text, path))
    # Who loads a sensor's driver has chosen camera and stack: auto-detection or the firmware would only interfere.
    sensor = next((s for s in settings if s.key == "dtoverlay" and SENSOR_OVERLAY.match(s.value)), None)
    return Status(
        path=path,
        release=release,
        bits=64 if (root / "lib/ld-linux-aarch64.so.1").exists() else 32,
        wanted=tuple(f"{key}={value}" for key, value in wanted),
        missing=() if sensor else tuple(f"{k}={v}" for k, v in wanted if not _in_effect(k, v, settings)),
        stale=tuple(s for s in settings if (s.key, s.value) in unwanted or (s.key, "") in unwanted),
        sensor=sensor,
    )


def _in_effect(key: str, value: str, settings: tuple[Setting, ...]) -> bool:
    """The last line wins; one under a filter that may or may not apply can only spoil it."""
    met = value == "0"  # which is what the firmware assumes
    for setting in settings:
        if setting.key == key:
            fits = setting.value == value
            if key == "gpu_mem" and setting.value.isdecimal():
                fits = int(setting.value) >= int(value)
            met = fits if setting.section == "all" else met and fits
    return met


def _settings(text: str, path: Path) -> Iterator[Setting]:
    section = "all"
    for file, number, line in _lines(text, path, (path.name,)):
        if header := SECTION.match(line):
            section = header[1].lower()
        elif (match := SETTING.match(line)) and section != "none" and (file == path.name or match[1] in INCLUDABLE):
            yield Setting(file, number, section, match[1], match[2])


def _lines(text: str, path: Path, opened: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """(file, number, line) in the firmware's order: an included file stands where its `include` is."""
    for number, line in enumerate(_split(text), start=1):
        include = INCLUDE.match(line)
        if not include:
            yield opened[-1], number, line
        elif include[1] not in opened and (file := path.parent / include[1]).is_file():
            yield from _lines(_decode(file.read_bytes()), path, (*opened, include[1]))


def _with_block(text: str, settings: tuple[str, ...]) -> str:
    if not settings:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    open_ended = text != "" and not text.endswith("\n")
    lines = [BEGIN, NOTE, *[OPEN_ENDED] * open_ended, "[all]", *settings, END]
    return text + newline * open_ended + "".join(line + newline for line in lines)


def _without_block(text: str, path: Path) -> str:
    lines = _split(text)
    marks = [number for number, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks:
        return text
    if [lines[number].strip() for number in marks] != [BEGIN, END]:
        raise ConfigError(
            f"{path}, line {marks[0] + 1}: our block is damaged",
            remedy=f"delete the lines '{BEGIN}' and '{END}' and what belongs to them by hand",
        )
    begin, end = marks
    before, block, rest = "".join(lines[:begin]), lines[begin + 1 : end], lines[end + 1 :]
    rest = _others(block) + rest
    newline = "\r\n" if lines[begin].endswith("\r\n") else "\n"
    if not rest and OPEN_ENDED in (line.rstrip("\r\n") for line in block):
        return before.removesuffix(newline)
    # Lines that were written below us stood under our [all]; they must not slip under the filter above us.
    first = next((line for line in rest if line.strip() and not line.lstrip().startswith("#")), "[")
    filters = [header[1].lower() for line in lines[:begin] if (header := SECTION.match(line))]
    kept_filter = "[all]" + newline if filters and filters[-1] != "all" and not SECTION.match(first) else ""
    return before + kept_filter + "".join(rest)


def _others(block: list[str]) -> list[str]:
    """The lines between our marks that are somebody else's: all but one of each that any OS release makes us write."""
    own = {NOTE, OPEN_ENDED, "[all]"}
    own |= {f"{key}={value}" for name in FRAGMENTS.values() for key, value in _fragment(name)[0]}
    others = []
    for line in block:
        if (text := line.rstrip("\r\n")) in own:
            own.remove(text)
        else:
            others.append(line)
    return others


def _commented_out(text: str, stale: tuple[Setting, ...]) -> str:
    numbers = {setting.line for setting in stale}
    lines = enumerate(_split(text), start=1)
    return "".join(COMMENTED_OUT + line if number in numbers else line for number, line in lines)


def _original(text: str, path: Path) -> str:
    return "".join(line.removeprefix(COMMENTED_OUT) for line in _split(_without_block(text, path)))


def _fragment(name: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The (key, value) pairs that a fragment wants, and those that it has commented out: the unwanted."""
    text = resources.files("pi_classifier.system").joinpath("boot_config", name).read_text(encoding="utf-8")
    lines = [match.groups() for line in text.splitlines() if (match := FRAGMENT_LINE.fullmatch(line))]
    return [(k, v) for mark, k, v in lines if not mark], [(k, v) for mark, k, v in lines if mark]


def _find(root: Path) -> Path:
    for folder in ("boot/firmware", "boot"):
        path = root / folder / "config.txt"
        with _explained(path):
            if path.is_file() and SIGNPOST not in _read(path):
                return path.resolve()  # a rename must replace the file, not a link to it
    raise ConfigError(
        f"no config.txt in {root / 'boot/firmware'} or {root / 'boot'}",
        remedy="run this on a Raspberry Pi, with its boot partition mounted ('sudo mount -a')",
    )


def _release(root: Path) -> tuple[str, str]:
    """VERSION_CODENAME of the OS and the name of its fragment."""
    path = root / "etc/os-release"
    with _explained(path):
        codename = re.search(r"^VERSION_CODENAME=[\"']?(\w+)", _decode(path.read_bytes()), re.MULTILINE)
    release = codename[1] if codename else "unnamed"
    if release not in FRAGMENTS:
        known = ", ".join(FRAGMENTS)
        raise ConfigError(
            f"{path}: OS release {release} is none of {known}", remedy="set the camera up in config.txt by hand"
        )
    return release, FRAGMENTS[release]


def _split(text: str) -> list[str]:
    """Lines with their endings; unlike str.splitlines, only a line feed ends one."""
    return list(io.StringIO(text, newline="\n"))


def _decode(content: bytes) -> str:
    """Any bytes; `_write` gives the same ones back."""
    return content.decode(errors="surrogateescape")


def _read(path: Path) -> str:
    with _explained(path):
        return _decode(path.read_bytes())


def _write(path: Path, text: str, like: Path) -> None:
    with _explained(path):
        replace_file(path, text.encode(errors="surrogateescape"), like=like)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = REMEDIES.get(error.errno or 0, "look into 'sudo dmesg' for trouble with the card")
        raise ConfigError(f"{path}: {error.strerror}", remedy=remedy.format(folder=path.parent)) from None
