"""Ansible on this machine, with the project's playbook, and the guest as the only host."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.guest.guest import Guest

COMMAND_SECONDS = 3600.0


class Played(NamedTuple):
    """What became of a playbook."""

    status: int
    changed: int
    """Tasks that changed something."""
    output: str


class Rollout:
    """Plays the project's playbook as somebody does who has a checkout of it."""

    def __init__(self, guest: Guest, project: Path, folder: Path) -> None:
        """`project`: a copy, which becomes a repository; `folder`: an empty one."""
        self._program = Path(sys.executable).with_name("ansible-playbook")
        if not self._program.exists():
            pytest.skip("Ansible is not installed: pip install '.[fleet]'")
        self._guest = guest
        self._playbooks = project / "deploy" / "ansible"
        self._folder = folder
        for command in (
            ("init", "--quiet"),
            ("add", "--all"),
            ("-c", "user.name=tests", "-c", "user.email=tests@localhost", "commit", "--quiet", "--message=tested"),
        ):
            subprocess.run(["git", "-C", project, *command], check=True)

    def play(self, *options: str, **variables: Any) -> Played:
        """Have the guest be as `variables` of the role say, beside what installs without a network."""
        inventory = self._folder / "inventory.json"
        inventory.write_text(json.dumps({"pi_classifiers": {"hosts": {"guest": self._reached() | variables}}}))
        # Quietly, and with nothing of the user's own.
        environment = {**os.environ, "ANSIBLE_HOME": str(self._folder), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [self._program, "--inventory", inventory, "playbook.yml", "-v", *options],
            cwd=self._playbooks,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        recap = re.search(r"^guest +: .*changed=(\d+)", done.stdout, re.MULTILINE)
        assert recap, done.stdout
        return Played(done.returncode, int(recap[1]), done.stdout)

    def _reached(self) -> dict[str, Any]:
        _, *options, login = self._guest.ssh
        user, host = login.split("@")
        return {
            "ansible_host": host,
            "ansible_user": user,
            "ansible_ssh_common_args": shlex.join(options),
            "pi_classifier_environment": {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheelhouse"},
        }
