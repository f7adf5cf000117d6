"""Asks a running Prometheus every expression of the dashboards and of Grafana's alert rules. Run by ../run-queries.

An expression fails if Prometheus refuses it, or if it names a metric that neither Prometheus nor the documentation
knows. One that matches no series may be well: nothing fires, no container has a limit. It is told, and fails with --strict.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from checks.files import GRAFANA, rules
from checks.promql import filled, metric_names
from checks.provisioning import read

DOCUMENTED = re.compile(r"^\| `([a-zA-Z_:][\w:]*)", re.MULTILINE)
RECORDED = re.compile(r"^ *-? *record: (\S+)$", re.MULTILINE)
LABEL_VALUES = re.compile(r"label_values\((.*), *\w+\)")
# In seconds. A query of a dashboard that takes longer is of no use in an incident.
PATIENCE = 10


class Refused(Exception):
    """Prometheus did not answer as it should; the text says how."""


def expressions(grafana: Path) -> Iterator[tuple[str, str]]:
    """Each expression, with the place that it stands in: `toyprod 11 Errors A`, `rule ToyProdDown A`."""
    for path in sorted(grafana.glob("dashboards/*.json")):
        board = read(path)
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{board['uid']} {panel['id']} {panel['title']} {target['refId']}", target["expr"]
        for annotation in board["annotations"]["list"]:
            if "expr" in annotation:
                yield f"{board['uid']} annotation {annotation['name']}", annotation["expr"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                asked = LABEL_VALUES.fullmatch(variable["query"]["query"])
                yield f"{board['uid']} variable {variable['name']}", asked[1]
    for path in sorted(grafana.glob("provisioning/alerting/*.yml")):
        for rule in rules(read(path)):
            for query in rule["data"]:
                if "expr" in query["model"]:
                    yield f"rule {rule['title']} {query['refId']}", query["model"]["expr"]


def ask(prometheus: str, path: str, **parameters: str) -> object:
    """What Prometheus' HTTP API answers."""
    body = urllib.parse.urlencode(parameters).encode() or None
    try:
        with urllib.request.urlopen(f"{prometheus.rstrip('/')}/api/v1/{path}", body, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise Refused(json.loads(text)["error"] if text.startswith("{") else f"{error}: {text}") from error
    except (OSError, ValueError) as error:
        raise Refused(f"{prometheus} does not answer: {error}") from error


def documented() -> set[str]:
    """Metrics that the documentation lists, a histogram with the names of its series."""
    docs = GRAFANA.parent.parent / "docs"
    texts = [(docs / file).read_text(encoding="utf-8") for file in ("METRICS.md", "container-exporter.md")]
    names = {name for text in texts for name in DOCUMENTED.findall(text)}
    return names | {name + ending for name in names for ending in ("_bucket", "_sum", "_count")} | {"ALERTS"}


def recorded(prometheus: str) -> set[str]:
    """What the rules of this Prometheus record, also before they have, and those that ship: the fast profile lacks some."""
    groups = ask(prometheus, "rules")["groups"]
    names = {rule["name"] for group in groups for rule in group["rules"] if rule["type"] == "recording"}
    shipped = (GRAFANA.parent / "prometheus" / "rules").glob("*.yml")
    return names.union(*(RECORDED.findall(file.read_text(encoding="utf-8")) for file in shipped))


def main(arguments: list[str], grafana: Path = GRAFANA) -> int:
    """Asks, prints what came of it, and gives the exit status: 0 all well, 1 a fault, 2 nothing could be asked."""
    options = argparse.ArgumentParser(prog="ops/grafana/run-queries", description=__doc__.splitlines()[0])
    options.add_argument("--prometheus", required=True, metavar="URL", help="such as http://127.0.0.1:9090")
    options.add_argument("--only", default="", metavar="PREFIX", help='places that begin so: "toyprod", "rule"')
    options.add_argument("--strict", action="store_true", help="an expression that matches no series fails too")
    options = options.parse_args(arguments)

    chosen = [(place, expr) for place, expr in expressions(grafana) if place.startswith(options.only)]
    if not chosen:
        print(f"no place begins with {options.only!r}", file=sys.stderr)
        return 2
    try:
        known = documented() | recorded(options.prometheus) | set(ask(options.prometheus, "label/__name__/values"))
    except Refused as error:
        print(error, file=sys.stderr)
        return 2

    now = time.time()
    spans = {"__rate_interval": "1m", "__interval": "10s", "__range": "15m"}
    failed = empty = 0
    for place, expr in chosen:
        expr = filled(expr, spans)
        unknown = metric_names(expr) - known
        try:
            answer = ask(options.prometheus, "query_range", query=expr, start=str(now - 300), end=str(now), step="10")
        except Refused as error:
            failed += 1
            print(f"FAILED  {place}: {error}\n        {expr}")
            continue
        if unknown:
            failed += 1
            print(f"FAILED  {place}: there is no metric {', '.join(sorted(unknown))}")
        elif not answer["result"]:
            empty += 1
            print(f"empty   {place}: {expr}")
    print(f"{len(chosen)} expressions: {len(chosen) - failed - empty} with series, {empty} without, {failed} failed")
    return int(failed > 0 or (options.strict and empty > 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
