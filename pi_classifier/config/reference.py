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
    """One of which there is none by default is shown by an example, as comments."""
    section, absent = section_class(name), Settings.model_fields[name].default == ()
    lines = [f"[[{name}]]" if is_table_array(name) else f"[{name}]"]
    for key, value in section().model_dump(mode="json").items():
        field = section.model_fields[key]
        shown = field.examples[0] if absent and field.examples else value
        assignment = f"{key} = {json.dumps(shown, ensure_ascii=False)}"
        lines.append(f"{assignment:<{COLUMN}} # {field.description}")
    return "\n".join(f"# {line}" if absent else line for line in lines) + "\n"
