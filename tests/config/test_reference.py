"""The configuration that documents itself."""

import re
import tomllib
from pathlib import Path

import pytest

from pi_classifier.config.layers import is_table_array, load, section_class
from pi_classifier.config.reference import documented_defaults
from pi_classifier.config.schema import Settings

ABSENT = [section for section, field in Settings.model_fields.items() if field.default == ()]
"""Of which there is none by default: shown as comments."""
KEYS = [(section, key) for section in Settings.model_fields for key in section_class(section).model_fields]


def with_examples() -> str:
    """The same where what is shown as comments is there."""
    return re.sub(r"^# (\[\[|\w+ = )", r"\1", documented_defaults(), flags=re.MULTILINE)


def test_it_is_the_default_configuration(tmp_path: Path) -> None:
    """Protects whoever begins with it as their config.toml: it is TOML, and loading it changes nothing."""
    path = tmp_path / "config.toml"
    path.write_text(documented_defaults(), encoding="utf-8")
    configuration = load(file=path)
    assert configuration.settings == Settings()
    assert len(configuration.origins) == len([key for section, key in KEYS if section not in ABSENT]), "each was read"


def test_examples_can_be_taken_as_they_are(tmp_path: Path) -> None:
    """Protects whoever takes the comment signs away: an example is a configuration."""
    path = tmp_path / "config.toml"
    path.write_text(with_examples(), encoding="utf-8")
    settings = load(file=path).settings
    assert [watch.labels for watch in settings.watch] == [("water bottle", "pop bottle")]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_is_there_and_explained(section: str, key: str) -> None:
    """Protects its promise of every key: each stands in its section, on one line with what it is for."""
    document = tomllib.loads(with_examples())
    table = document[section][0] if is_table_array(section) else document[section]
    assert key in table
    description = section_class(section).model_fields[key].description
    assert description
    assert description.strip() == description
    assert "\n" not in description
    lines = [line for line in with_examples().splitlines() if line.endswith(f"# {description}")]
    assert any(line.startswith(f"{key} = ") for line in lines)


def test_comments_stand_in_a_column() -> None:
    """Protects its readers: no value is so long that its comment leaves the column, no line wider than an editor."""
    lines = [line for line in documented_defaults().splitlines() if " = " in line and not line.startswith("#")]
    assert len({line.index("# ") for line in lines}) == 1
    assert max(map(len, lines)) <= 120
