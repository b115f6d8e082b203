"""What `deploy/` ships for Prometheus and Grafana, and the queries in it."""

import json
import re
from pathlib import Path
from typing import NamedTuple

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
CONFIG, RULES, RULES_TEST = (PROMETHEUS / name for name in ("prometheus.yml", "rules.yml", "rules_test.yml"))
FLEET_CONFIG, FLEET_RULES, FLEET_RULES_TEST, TARGETS = (
    PROMETHEUS / name for name in ("fleet.yml", "fleet_rules.yml", "fleet_rules_test.yml", "targets/example.yml")
)


class Query(NamedTuple):
    """One query of a dashboard, or of a rule."""

    panel: str
    expression: str
    legend: str


class Dashboard:
    """One that is shipped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.content = json.loads((DEPLOY / "grafana" / f"{name}.json").read_text(encoding="utf-8"))
        self.variables = {one["name"]: one for one in self.content["templating"]["list"] if one["type"] == "query"}

    def queries(self) -> list[Query]:
        """Of every panel, in order."""
        return [
            Query(f"{panel['id']} {panel['title']} {target['refId']}", target["expr"], target.get("legendFormat", ""))
            for panel in self.content["panels"]
            for target in panel.get("targets", ())
        ]

    def filled_in(self, expression: str) -> str:
        """A query as Grafana sends it with "All" chosen everywhere."""
        values = {"__rate_interval": "1m", "__range": "1h", **dict.fromkeys(self.variables, ".*")}
        for variable, value in values.items():
            expression = re.sub(rf"\${variable}\b", value, expression)
        assert "$" not in expression, "an unknown variable"
        return expression


MACHINE, FLEET = DASHBOARDS = (Dashboard("pi-classifier"), Dashboard("fleet"))


def alerts() -> dict[str, str]:
    """The text of each rule in rules.yml, by the alert's name, without comments."""
    return _rules(RULES, "alert")


def alert_queries() -> list[Query]:
    """Of every alert."""
    expressions = {name: re.search(r"expr: (?:>-)?(.*?)\n *for:", rule, re.DOTALL) for name, rule in alerts().items()}
    return [Query(name, found[1] if found else "", "") for name, found in expressions.items()]


def recorded() -> list[Query]:
    """Of every series that fleet_rules.yml records, by its name."""
    expressions = {
        name: re.search(r"expr: (?:>-)?(.*)", rule, re.DOTALL) for name, rule in _rules(FLEET_RULES, "record").items()
    }
    return [Query(name, found[1] if found else "", "") for name, found in expressions.items()]


def _rules(file: Path, kind: str) -> dict[str, str]:
    text = re.sub(r"^ *#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(re.findall(rf"- {kind}: ([\w:]+)\n(.*?)(?=\n *- {kind}:|\Z)", text, flags=re.DOTALL))
