"""Defaults, config.toml, environment and flags, in rising order of precedence, become `Settings`.

Every value keeps the place it came from, so that an error can name it and `check-config` can show it.
"""

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pi_classifier.errors import ConfigError
from pi_classifier.settings import Section, Settings

DEFAULT_FILE = Path("/etc/pi-classifier/config.toml")
ENVIRONMENT_PREFIX = "PI_CLASSIFIER_"

Key = tuple[str | int, ...]
"""Where a value stands: ("model", "threads"), ("camera", 0, "source")."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A value as it was given, and where."""

    value: object
    place: str
    """For people: `flag --threads`, `environment PI_CLASSIFIER_MODEL__THREADS`, a file's path, `default`."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force and the place of each value that is not a default."""

    settings: Settings
    origins: Mapping[Key, Origin]

    def to_toml(self) -> str:
        """The effective configuration as a valid config.toml, with the origin of each value as a comment."""
        lines = []
        for name, section in self.settings:
            many = isinstance(section, tuple)
            for index, table in enumerate(section if many else [section]):
                lines.append(f"[[{name}]]" if many else f"[{name}]")
                for field, value in table:
                    origin = self.origins.get((name, index, field) if many else (name, field))
                    assignment = f"{field} = {json.dumps(value, ensure_ascii=False)}"
                    lines.append(f"{assignment:<40} # {origin.place if origin else 'default'}")
                lines.append("")
        return "\n".join(lines)


def load(
    *, file: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[Key, object] | None = None
) -> Configuration:
    """Read all layers and check them.

    Args:
        file: config.toml; None takes `DEFAULT_FILE` where there is one.
        environment: variables `PI_CLASSIFIER_SECTION__KEY`; for cameras `PI_CLASSIFIER_CAMERA__KEY` (the only one)
            or `PI_CLASSIFIER_CAMERA__0__KEY`. Names without a double underscore are not configuration.
        flags: values by key; a value of None was not given.

    Raises:
        ConfigError: unreadable file, unknown key, wrong type, value out of range; the message says where it stands.
    """
    origins: dict[Key, Origin] = {}
    for key, value in _toml(file):
        origins[key] = Origin(value, str(file or DEFAULT_FILE))
    several_cameras = ("camera", 1) in {key[:2] for key in origins}
    for name, text in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            key = _environment_key(name)
            origins[key] = Origin(_listed(key, text), f"environment {name}")
    for key, value in (flags or {}).items():
        if value is not None:
            place = f"flag --{_flag_name(key)}"
            if key[0] == "camera" and several_cameras:
                raise ConfigError(
                    f"{place} fits one camera and several are configured; set "
                    f"{ENVIRONMENT_PREFIX}CAMERA__0__{str(key[-1]).upper()} or change the file"
                )
            origins[key] = Origin(value, place)
    for key, origin in origins.items():
        _check_known(key, origin)
    return Configuration(_validated(origins), origins)


def _flag_name(key: Key) -> str:
    """Flags are called as their key; `name`, `listen` and `format` say little without their section."""
    if key == ("model", "name"):
        return "model"
    words = [str(word) for word in key] if key[0] in ("metrics", "log") else [str(key[-1])]
    return "-".join(words).replace("_", "-")


def _toml(file: Path | None) -> Iterator[tuple[Key, object]]:
    """Every value of the file with its key."""
    if file is None and not DEFAULT_FILE.exists():
        return
    path = file or DEFAULT_FILE
    document = _parsed(path)
    cameras = document.get("camera", [None])
    if not isinstance(cameras, list) or not cameras:
        raise ConfigError(f"{path}: cameras are a list of tables; write [[camera]] above each")
    if {} in cameras:
        raise ConfigError(f"{path}: camera {cameras.index({})} is empty; give it at least a name")
    for name, section in document.items():
        if isinstance(section, dict):
            yield from (((name, key), value) for key, value in section.items())
        elif isinstance(section, list) and all(isinstance(table, dict) for table in section):
            yield from (((name, i, key), value) for i, table in enumerate(section) for key, value in table.items())
        else:
            yield (name,), section


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable file with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _environment_key(name: str) -> Key:
    """`PI_CLASSIFIER_CAMERA__0__SOURCE` -> ("camera", 0, "source")."""
    parts: list[str | int] = list(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
    if parts[0] == "camera":
        if len(parts) == 2:
            parts.insert(1, 0)
        elif str(parts[1]).isdecimal():
            parts[1] = int(parts[1])
    return tuple(parts)


def _listed(key: Key, text: str) -> object:
    """Environment variables hold lists as comma-separated text."""
    if key in (("metrics", "labels"), ("run", "cpus")):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _check_known(key: Key, origin: Origin) -> None:
    """Raise for a key that no section has, naming its nearest neighbour."""
    sections = Settings.model_fields
    if key[0] not in sections:
        raise _unknown(str(key[0]), list(sections), origin)
    section = _section_class(str(key[0]))
    field = key[-1]
    if len(key) != (3 if key[0] == "camera" else 2) or (key[0] == "camera" and not isinstance(key[1], int)):
        raise ConfigError(
            f"{_dotted(key)} (from {origin.place}) is no key; 'pi-classifier check-config' lists them all"
        )
    if field not in section.model_fields:
        raise _unknown(_dotted(key), [_dotted((*key[:-1], name)) for name in section.model_fields], origin)


def _section_class(name: str) -> type[Section]:
    default = Settings.model_fields[name].default
    return type(default[0] if isinstance(default, tuple) else default)


def _unknown(name: str, known: list[str], origin: Origin) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return ConfigError(f"unknown key {name} (from {origin.place}); {advice}")


def _validated(origins: Mapping[Key, Origin]) -> Settings:
    tree: dict[str, Any] = {}
    cameras: dict[int, dict[str, object]] = {}
    for key, origin in origins.items():
        table = cameras.setdefault(int(key[1]), {}) if key[0] == "camera" else tree.setdefault(str(key[0]), {})
        table[str(key[-1])] = origin.value
    if cameras:
        if set(cameras) != set(range(len(cameras))):
            raise ConfigError(f"camera {max(cameras)} is set but not all before it; count cameras from 0 without a gap")
        tree["camera"] = [cameras[index] for index in range(len(cameras))]
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, origins)) from None


def _first_problem(error: ValidationError, origins: Mapping[Key, Origin]) -> str:
    """One line: which value, from where, and what it should be."""
    problem = error.errors(include_url=False, include_context=False)[0]
    # Behind the key pydantic may add the member of a union or the index into a list that it tried last.
    location = problem["loc"]
    key = next((location[:length] for length in (3, 2) if location[:length] in origins), location)
    what = problem["msg"].removeprefix("Value error, ")
    if key in origins:
        origin = origins[key]
        return f"{_dotted(key)} = {json.dumps(origin.value, default=str)} (from {origin.place}): {what}"
    places = sorted({origin.place for known, origin in origins.items() if known[: len(key)] == key})
    where = f"{_dotted(key)}: " if key else ""
    return f"{where}{what}" + (f" (from {', '.join(places)})" if places else "")


def _dotted(key: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in key)
