"""What is wrong with a value of the configuration, and what to write instead, in words.

pydantic's own words speak of inputs and patterns; a person who reads them has a line of a file in mind.
"""

import difflib

from pydantic_core import ErrorDetails, PydanticCustomError

WHOLE, NUMBER = ("is no whole number", "write one, without quotes"), ("is no number", "write one, without quotes")
LIST = ("is no list", 'write it as one: ["a", "b"]')
TEXT = ("is no text", 'put it in quotes: "..."')
PLAIN = {
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": ("is no finite number", "write one"),
    "tuple_type": LIST,
    "string_type": TEXT,
    "string_too_short": ("is empty", "write something between the quotes"),
    "model_type": ("is no table", "write KEY = VALUE lines below its heading"),
    "too_short": ("is empty", "give at least one"),
    "too_long": ("has too many entries", "leave some out"),
}
"""Problem and remedy, by pydantic's type of error."""
LIMITS = {
    "greater_than": ("gt", "is not above {limit}", "give more than {limit}"),
    "greater_than_equal": ("ge", "is less than {limit}", "give {limit} or more"),
    "less_than_equal": ("le", "is more than {limit}", "give {limit} or less"),
    "string_too_long": ("max_length", "is longer than {limit} characters", "shorten it"),
}
"""By type of error: the limit's name in the error's context, problem and remedy."""


def in_words(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, to be put behind it, and the remedy.

    `error` is one of pydantic's own, or a `problem`.
    """
    kind, context = error["type"], error.get("ctx", {})
    if "remedy" in context:
        return error["msg"], context["remedy"]
    if kind in PLAIN:
        return PLAIN[kind]
    if kind in LIMITS:
        name, problem, remedy = LIMITS[kind]
        limit = f"{context[name]:g}"
        return problem.format(limit=limit), remedy.format(limit=limit)
    if kind == "literal_error":
        return _none_of(str(error["input"]), context["expected"])
    return f"cannot be taken: {error['msg']}", "'pi-classifier check-config --defaults' shows every key"


def problem(what: str, remedy: str) -> PydanticCustomError:
    """For a validator to raise: what is wrong with the value, to be put behind it, and the remedy."""
    return PydanticCustomError("in_words", "{what}", {"what": what, "remedy": remedy})


def _none_of(given: str, expected: str) -> tuple[str, str]:
    """`expected`: pydantic's list, `'text', 'json' or 'xml'`."""
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(given, choices, n=1, cutoff=0.6)
    return f"is none of {', '.join(choices)}", f"did you mean {near[0]}?" if near else "take one of these"
