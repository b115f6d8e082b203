"""Defaults, config.toml, environment and flags, in rising order of precedence, become `Settings`.

Every value keeps the place it came from, so that an error can name it and `check-config` can show it.
"""

import contextlib
import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import ValidationError

from pi_classifier.config.network_url import HIDDEN, has_authority, server_of, shown, take_userinfo
from pi_classifier.config.problems import in_words
from pi_classifier.config.schema import ADDRESSES, SECRETS, Section, Settings
from pi_classifier.errors import ConfigError

DEFAULT_FILE = Path("/etc/pi-classifier/config.toml")
ENVIRONMENT_PREFIX = "PI_CLASSIFIER_"

LARGEST_FILE = 1 << 20
"""Bytes of a config.toml: a thousand times what every key with its default takes."""
LONGEST_SHOWN = 200
"""Characters of a value in an error."""
LIST_KEYS = "'pi-classifier check-config --defaults' shows every key"

Key = tuple[str | int, ...]
"""Where a value stands: ("model", "threads"), ("camera", 0, "source")."""


class Origin(NamedTuple):
    """A value as it was given, and where."""

    value: object
    place: str
    """For people: `flag --threads`, `environment PI_CLASSIFIER_MODEL__THREADS`, a file's path, `default`."""


class Configuration(NamedTuple):
    """The settings in force and the place of each value that is not a default."""

    settings: Settings
    origins: Mapping[Key, Origin]

    def to_toml(self) -> str:
        """The effective configuration as a valid config.toml, with the origin of each value as a comment.

        Secrets are left out.
        """
        lines = []
        for name, section in self.settings:
            many = is_table_array(name)
            for index, table in enumerate(section if many else [section]):
                lines.append(f"[[{name}]]" if many else f"[{name}]")
                for field, value in table.model_dump(mode="json").items():
                    origin = self.origins.get((name, index, field) if many else (name, field))
                    assignment = f"{field} = {json.dumps(value, ensure_ascii=False)}"
                    if value and field in SECRETS:
                        assignment = f"# {field} is not shown"
                    lines.append(f"{assignment:<40} # {origin.place if origin else 'default'}")
                lines.append("")
        return "\n".join(lines)


def is_table_array(section: str) -> bool:
    """Whether a section may be there several times, as `[[camera]]`."""
    return get_origin(Settings.model_fields[section].annotation) is tuple


def section_class(name: str) -> type[Section]:
    """The class of a section, or of one table of a section that may be there several times."""
    annotation: Any = Settings.model_fields[name].annotation
    section: type[Section] = get_args(annotation)[0] if is_table_array(name) else annotation
    return section


def choices(key: Key) -> tuple[str, ...]:
    """The values that a key can have, where there are but a few; else none."""
    annotation: Any = section_class(str(key[0])).model_fields[str(key[-1])].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def load(
    *, file: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[Key, Origin] | None = None
) -> Configuration:
    """Read all layers and check them.

    Args:
        file: config.toml; None takes `DEFAULT_FILE` where there is one.
        environment: variables `PI_CLASSIFIER_SECTION__KEY`; for cameras `PI_CLASSIFIER_CAMERA__KEY` (the only one)
            or `PI_CLASSIFIER_CAMERA__0__KEY`. Names without a double underscore are not configuration.
        flags: the values that were given on the command line, by key, each with the flag as its place.

    Raises:
        ConfigError: unreadable file, unknown key, wrong type, value out of range; the message says where it stands.
    """
    origins: dict[Key, Origin] = {}
    for key, value in _toml(file):
        origins[key] = Origin(value, str(file or DEFAULT_FILE))
    for name, text in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            key = _environment_key(name)
            origins[key] = Origin(_listed(key, text), f"environment {name}")
    several_cameras = ("camera", 1) in {key[:2] for key in origins}
    for key, origin in (flags or {}).items():
        if key[0] == "camera" and several_cameras:
            raise ConfigError(
                f"{origin.place} fits one camera and several are configured",
                remedy=f"set {ENVIRONMENT_PREFIX}CAMERA__0__{str(key[-1]).upper()} or change the file",
            )
        origins[key] = origin
    for key, origin in origins.items():
        _check_known(key, origin)
    origins = dict(_without_userinfo(origins))
    return Configuration(_validated(origins), origins)


def _toml(file: Path | None) -> Iterator[tuple[Key, object]]:
    """Every value of the file with its key."""
    if file is None and not DEFAULT_FILE.exists():
        return
    path = file or DEFAULT_FILE
    document = _parsed(path)
    for name in filter(is_table_array, document.keys() & Settings.model_fields.keys()):
        tables = document[name]
        if not isinstance(tables, list) or not tables:
            raise ConfigError(f"{path}: {name} is a list of tables", remedy=f"write [[{name}]] above each")
        if {} in tables:
            raise ConfigError(f"{path}: {name} {tables.index({})} is empty", remedy="give it at least a name")
    for name, section in document.items():
        if isinstance(section, dict):
            yield from (((name, key), value) for key, value in section.items())
        elif isinstance(section, list) and all(isinstance(table, dict) for table in section):
            yield from (((name, i, key), value) for i, table in enumerate(section) for key, value in table.items())
        else:
            yield (name,), section


def _parsed(path: Path) -> dict[str, Any]:
    try:
        # A device may have no end, a FIFO no beginning.
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ConfigError(f"{path}: no regular file", remedy="name a config.toml with --config")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: {reason}", remedy="name a readable file with --config") from None
    if len(content) > LARGEST_FILE:
        raise ConfigError(f"{path}: larger than {LARGEST_FILE} bytes", remedy="name a config.toml with --config")
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:  # of tomllib, of UTF-8, or of a number that is too long
        raise ConfigError(f"{path}: not valid TOML: {error}", remedy="correct that line") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply", remedy=LIST_KEYS) from None


def _environment_key(name: str) -> Key:
    """`PI_CLASSIFIER_CAMERA__0__SOURCE` -> ("camera", 0, "source")."""
    parts: list[str | int] = list(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
    if _is_array(parts[0]):
        if len(parts) == 2:
            parts.insert(1, 0)
        elif str(parts[1]).isdecimal():
            parts[1] = int(parts[1])
    return tuple(parts)


def _is_array(name: str | int) -> bool:
    return name in Settings.model_fields and is_table_array(str(name))


def _listed(key: Key, text: str) -> object:
    """Environment variables hold lists as comma-separated text, and lists of lists as JSON."""
    if get_origin(_annotation(key)) is not tuple:
        return text
    if text.lstrip().startswith("[["):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text)
    return [item.strip() for item in text.split(",") if item.strip()]


def _annotation(key: Key) -> object:
    """The type of a key; None for one that is not known."""
    field = section_class(str(key[0])).model_fields.get(str(key[-1])) if key[0] in Settings.model_fields else None
    return field.annotation if field else None


def _check_known(key: Key, origin: Origin) -> None:
    """Raise for a key that no section has, naming its nearest neighbour."""
    sections = Settings.model_fields
    if key[0] not in sections:
        raise _unknown(str(key[0]), list(sections), origin)
    section = section_class(str(key[0]))
    field = key[-1]
    array = is_table_array(str(key[0]))
    if len(key) != (3 if array else 2) or (array and not isinstance(key[1], int)):
        raise ConfigError(f"{_dotted(key)} (from {origin.place}) is no key", remedy=LIST_KEYS)
    if field not in section.model_fields:
        raise _unknown(_dotted(key), [_dotted((*key[:-1], name)) for name in section.model_fields], origin)


def _unknown(name: str, known: list[str], origin: Origin) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return ConfigError(f"unknown key {name} (from {origin.place})", remedy=advice)


def _without_userinfo(origins: Mapping[Key, Origin]) -> Iterator[tuple[Key, Origin]]:
    """All values, with the user name and the password of a URL apart from it before anything can quote it."""
    for key, origin in origins.items():
        if key[0] != "camera" or key[-1] != "source" or not isinstance(origin.value, str):
            yield key, origin
            continue
        try:
            url, userinfo = take_userinfo(origin.value) if has_authority(origin.value) else (origin.value, None)
        except ValueError as error:
            raise ConfigError(f"{_dotted(key)} (from {origin.place}) {error}", remedy="write it as %40") from None
        yield key, origin._replace(value=url)
        if userinfo is None:
            continue
        for name, value in (("username", userinfo.username), ("password", userinfo.password)):
            if (*key[:-1], name) in origins:
                raise ConfigError(f"{_dotted(key)} (from {origin.place}) and {name} name one each", remedy="leave one")
            yield (*key[:-1], name), Origin(value, origin.place)


def _validated(origins: Mapping[Key, Origin]) -> Settings:
    tree: dict[str, Any] = {}
    for key, origin in origins.items():
        table = tree.setdefault(str(key[0]), {})
        if is_table_array(str(key[0])):
            table = table.setdefault(key[1], {})
        # To pydantic true is 1, which is no number here; nothing takes None.
        untrue = isinstance(origin.value, bool) and _annotation(key) is not bool
        table[str(key[-1])] = None if untrue else origin.value
    for name in filter(is_table_array, tree):
        tree[name] = _in_order(name, tree[name])
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        problem, remedy = _first_problem(error, origins)
        raise ConfigError(problem, remedy=remedy) from None


def _in_order(name: str, tables: Mapping[int, object]) -> list[object]:
    if set(tables) != set(range(len(tables))):
        raise ConfigError(
            f"{name} {max(tables)} is set but not all before it", remedy=f"count every {name} from 0 without a gap"
        )
    return [tables[index] for index in range(len(tables))]


def _first_problem(error: ValidationError, origins: Mapping[Key, Origin]) -> tuple[str, str]:
    """Which value, from where, and what it should be; and the remedy."""
    problem = error.errors(include_url=False)[0]
    what, remedy = in_words(problem)
    # Behind the key pydantic may add the member of a union or the index into a list that it tried last.
    location = problem["loc"]
    key = next((location[:length] for length in (3, 2) if location[:length] in origins), location)
    if key in origins:
        origin = origins[key]
        return f"{_dotted(key)} = {_shown(key, origin.value)} (from {origin.place}) {what}", remedy
    places = sorted({origin.place for known, origin in origins.items() if known[: len(key)] == key})
    where = f"{_dotted(key)} " if key else ""
    return f"{where}{what}" + (f" (from {', '.join(places)})" if places else ""), remedy


def _shown(key: Key, value: object) -> str:
    """As TOML would have it, cut where it is too long to be read; no secret."""
    if key[-1] in SECRETS:
        return HIDDEN
    if key[-1] in ADDRESSES:
        value = server_of(value) if isinstance(value, str) else HIDDEN
    elif isinstance(value, str):
        value = shown(value) if has_authority(value) else value
        # Many write a password in front of a host, where it does not belong.
        before, mark, behind = value.rpartition("@")
        value = f"{HIDDEN}@{behind}" if mark and before else value
    try:
        text = json.dumps(value, default=str)
    except ValueError:  # Python prints no number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _dotted(key: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in key)
