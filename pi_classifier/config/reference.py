"""The configuration as a config.toml that documents itself: every key with its default and what it is for."""

import json

from pi_classifier.config.layers import is_table_array, section_class
from pi_classifier.config.schema import Settings

HEAD = """\
# pi-classifier: every key with its default. 'pi-classifier check-config' shows what is in force and why;
# after a change: sudo systemctl restart pi-classifier
"""
COLUMN = 28
"""Where the comments begin."""


def documented_defaults() -> str:
    """A valid config.toml."""
    return "\n".join([HEAD, *map(_section, Settings.model_fields)])


def _section(name: str) -> str:
    section = section_class(name)
    lines = [f"[[{name}]]" if is_table_array(name) else f"[{name}]"]
    for key, value in section().model_dump(mode="json").items():
        assignment = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        lines.append(f"{assignment:<{COLUMN}} # {section.model_fields[key].description}")
    return "\n".join(lines) + "\n"
