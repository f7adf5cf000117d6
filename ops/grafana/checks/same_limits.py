"""Grafana's alert rules say the same as those of Prometheus that have their names.

Two alerts of one fault become one incident by their service, and a person who reads both must not find two truths.
"""

from collections.abc import Iterator

COMPARISONS = {"gt": ">", "lt": "<"}


def faults(rule: dict, of_prometheus: dict[str, dict]) -> Iterator[str]:
    """Where a rule of Grafana differs from the alert of its name. `of_prometheus` has the alerts by name."""
    other = of_prometheus.get(rule["title"])
    if other is None:
        yield "Prometheus has no alert of this name"
        return
    pairs = [("for", rule["for"], other.get("for", "0s")), ("expression", expression(rule), _plain(other["expr"]))]
    for name, value in other["labels"].items():
        pairs.append((f"label {name}", rule["labels"].get(name), _as_here(value)))
    for name in ("summary", "runbook_url"):
        pairs.append((f"annotation {name}", rule["annotations"].get(name), other["annotations"][name]))
    for what, here, there in pairs:
        if here != there:
            yield f"{what}: {here!r} here, {there!r} in Prometheus"
    if set(rule["labels"]) != set(other["labels"]):
        yield f"labels: {sorted(rule['labels'])} here, {sorted(other['labels'])} in Prometheus"


def expression(rule: dict) -> str:
    """The rule as one expression of PromQL: what is asked, and what it is compared with."""
    queries = {query["refId"]: query["model"] for query in rule["data"]}
    condition = queries[rule["condition"]]
    evaluator = condition["conditions"][0]["evaluator"]
    asked = queries[queries[condition["expression"]]["expression"]]["expr"]
    # "max by (svc) (series)" is the series without its name.
    if asked.startswith("max by ("):
        asked = asked.split(") (", 1)[1].removesuffix(")")
    return f"{asked} {COMPARISONS[evaluator['type']]} {evaluator['params'][0]:g}"


def _plain(expr: str) -> str:
    """Prometheus' expression without the brackets that only its comparison needs, and with the shortest number."""
    left, comparison, limit = expr.strip().rsplit(" ", 2)
    if left.startswith("(") and left.endswith(")"):
        left = left[1:-1]
    return f"{left} {comparison} {float(limit):g}"


def _as_here(text: str) -> str:
    return text.replace("$labels", ".Labels")
