"""What `deploy/` ships for Prometheus and Grafana, and the queries in it."""

import json
import re
from pathlib import Path
from typing import NamedTuple

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG, RULES, RULES_TEST = (DEPLOY / "prometheus" / name for name in ("prometheus.yml", "rules.yml", "rules_test.yml"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "pi-classifier.json").read_text(encoding="utf-8"))
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"] if one["type"] == "query"}


class Query(NamedTuple):
    """One query of the dashboard."""

    panel: str
    expression: str
    legend: str


def dashboard_queries() -> list[Query]:
    """Of every panel, in order."""
    return [
        Query(f"{panel['id']} {panel['title']} {target['refId']}", target["expr"], target.get("legendFormat", ""))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


def alerts() -> dict[str, str]:
    """The text of each rule in rules.yml, by the alert's name, without comments."""
    text = re.sub(r"^ *#.*\n", "", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(re.findall(r"- alert: (\w+)\n(.*?)(?=\n *- alert:|\Z)", text, flags=re.DOTALL))


def alert_queries() -> list[Query]:
    """Of every alert."""
    expressions = {name: re.search(r"expr: (?:>-)?(.*?)\n *for:", rule, re.DOTALL) for name, rule in alerts().items()}
    return [Query(name, found[1] if found else "", "") for name, found in expressions.items()]
