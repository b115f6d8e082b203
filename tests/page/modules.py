"""The live page's modules in Node.js, as far as they need no browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

STATIC = ROOT / "pi_classifier" / "web" / "static"


def called(folder: Path, module: str, function: str, arguments: list[list[Any]]) -> list[Any]:
    """What a function gives for each list of arguments.

    Args:
        folder: takes copies of the modules.
        module: its file.
        function: as JavaScript; the module is `page` in it.
        arguments: values that JSON has.
    """
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed: apt install nodejs")
    for file in STATIC.glob("*.js"):
        shutil.copy(file, folder)
    # As a page takes them; Node.js would ask for another ending.
    (folder / "package.json").write_text('{"type": "module"}', encoding="ascii")
    script = folder / "called.js"
    script.write_text(
        f'import * as page from "./{module}";\n'
        'import { readFileSync } from "node:fs";\n'
        'const calls = JSON.parse(readFileSync(0, "utf8"));\n'
        f"console.log(JSON.stringify(calls.map((given) => ({function})(...given))));\n",
        encoding="ascii",
    )
    done = subprocess.run(
        [node, str(script)], input=json.dumps(arguments), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    given: list[Any] = json.loads(done.stdout)
    return given
