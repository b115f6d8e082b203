"""Names that the code declares: commands, configuration, exit codes, metadata of a bundle."""

import ast
import inspect
import json
import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from pi_classifier import cli, errors
from pi_classifier.config.layers import ENVIRONMENT_PREFIX, is_table_array, section_class
from pi_classifier.config.schema import Settings
from pi_classifier.contracts.model import ModelMetadata, Training
from public_names.markdown import code, sentence, table


def commands() -> str:
    """Every command with its options."""
    rows = [
        (f"`pi-classifier{' ' + name if name else ''}`", code(*words) if words else "", purpose)
        for name, words, purpose in _commands("", typer.main.get_command(cli.app))
    ]
    return table(("command", "arguments and options", "what it does"), rows)


def _commands(name: str, command: Any) -> Iterator[tuple[str, list[str], str]]:
    """Of a command and those below it: name, options, purpose."""
    words = [
        " ".join(filter(None, (one.opts[0] if one.param_type_name == "option" else "", one.metavar)))
        for one in command.params
    ]
    if words or not hasattr(command, "commands"):
        yield name, words, sentence(command.help)
    for below, one in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {below}".strip(), one)


def configuration() -> str:
    """Every key: type, default, meaning, environment variable, flag."""
    flags = {(flag.key[0], flag.key[-1]): flag.name for flag in cli.RUN_FLAGS}
    rows = []
    for name in Settings.model_fields:
        section, many = section_class(name), is_table_array(name)
        defaults = section().model_dump(mode="json")
        for key, schema in section.model_json_schema(mode="serialization")["properties"].items():
            variable = f"{ENVIRONMENT_PREFIX}{name}{'__0' if many else ''}__{key}".upper()
            flag = flags.get((name, key))
            rows.append(
                (
                    f"`[[{name}]] {key}`" if many else f"`[{name}] {key}`",
                    _kind(schema),
                    code(json.dumps(defaults[key])),
                    schema["description"],
                    code(variable),
                    code(flag) if flag else "",
                )
            )
    return table(("key", "type", "default", "meaning", "environment variable", "flag of `run`"), rows)


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value may be, by its JSON schema."""
    if "enum" in schema or "const" in schema:
        return code(*schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(_kind(one) for one in kinds)
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])} numbers"
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "pattern" in schema:
        return f"text that matches `{schema['pattern']}`"
    limits = [
        words.format(schema[name])
        for name, words in (("exclusiveMinimum", "over {}"), ("minimum", "from {}"), ("maximum", "to {}"))
        if name in schema
    ]
    # What is a class in the program, an address for instance, is text in the configuration.
    return " ".join([{"string": "text"}.get(kind := schema.get("type", "string"), kind), *limits])


def exit_codes() -> str:
    """Every code, and what ends with it."""
    ends: dict[int, list[str]] = {
        0: [
            "The end that was asked for: SIGTERM, SIGINT or SIGHUP once `run` captures (a second one ends at once), "
            "`--frames`, the end of a file, a reader of stdout that has gone."
        ],
        1: [
            "`classify`: an input could not be read; `doctor`, `boot-config status`, `health`: something is wrong. "
            "Otherwise a fault of the program, with a traceback."
        ],
        2: ["The command line was not understood."],
    }
    for error in _errors(errors.PiClassifierError):
        # A camera that fails is opened again; it ends nothing.
        if not issubclass(error, errors.CaptureError):
            ends.setdefault(error.exit_code, []).append(f"`{error.__name__}`: {sentence(error.__doc__)}")
    names = {value: name for name, value in vars(os).items() if name.startswith("EX_") and value}
    rows = [(f"{number}", names.get(number, ""), "<br>".join(ends[number])) for number in sorted(ends)]
    return table(("code", "in sysexits.h", "meaning"), rows)


def _errors(base: type[errors.PiClassifierError]) -> Iterator[type[errors.PiClassifierError]]:
    for error in base.__subclasses__():
        yield error
        yield from _errors(error)


def metadata() -> str:
    """Every field of a bundle's metadata."""
    rows = [(code(name), code(kind), text) for name, kind, text in fields(ModelMetadata)]
    rows += [(code(f"training.{name}"), code(kind), text) for name, kind, text in fields(Training)]
    return table(("field", "type", "meaning"), rows)


def fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of each field of a class, in order."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in zip(statements, [*statements[1:], None], strict=False):
        if isinstance(statement, ast.AnnAssign):
            text = following.value if isinstance(following, ast.Expr) else None
            said = sentence(text.value) if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
            yield ast.unparse(statement.target), ast.unparse(statement.annotation), said
