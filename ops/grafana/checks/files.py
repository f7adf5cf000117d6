"""Looks through all files that Grafana is given. Run by ../check."""

import sys
from collections.abc import Iterator
from pathlib import Path

from checks import same_limits
from checks.provisioning import dashboard_faults, file_faults, read

GRAFANA = Path(__file__).parent.parent
PROMETHEUS_RULES = GRAFANA.parent / "prometheus" / "rules"


def all_faults(grafana: Path, alerts: dict[str, dict]) -> Iterator[str]:
    """Each fault of a file below this folder, with the file's name before it. `alerts` are those of Prometheus."""
    boards = {path: read(path) for path in sorted(grafana.glob("dashboards/*.json"))}
    files = {path: read(path) for path in sorted(grafana.glob("provisioning/*/*.yml"))}
    sources = {source["uid"] for content in files.values() for source in content.get("datasources", [])}
    receivers = {point["name"] for content in files.values() for point in content.get("contactPoints", [])}
    for path, board in boards.items():
        yield from (f"{path.relative_to(grafana)}: {fault}" for fault in dashboard_faults(board))
    for path, content in files.items():
        name = path.relative_to(grafana)
        found = list(file_faults(content, list(boards.values()), sources))
        yield from (f"{name}: {fault}" for fault in found)
        # What has no form cannot be compared.
        for rule in [] if found else rules(content):
            yield from (f"{name}: {rule['title']}: {fault}" for fault in same_limits.faults(rule, alerts))
        for policy in content.get("policies", []):
            for route in [policy, *policy.get("routes", [])]:
                if route["receiver"] not in receivers:
                    yield f"{name}: there is no contact point {route['receiver']}"


def rules(content: dict) -> list[dict]:
    """The alert rules of a provisioning file."""
    return [rule for group in content.get("groups", []) for rule in group["rules"]]


def prometheus_alerts(folder: Path) -> dict[str, dict]:
    """The alerts of the rule files in this folder, by name."""
    groups = [group for path in sorted(folder.glob("*.yml")) for group in read(path)["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


if __name__ == "__main__":
    found = list(all_faults(GRAFANA, prometheus_alerts(PROMETHEUS_RULES)))
    well = "dashboards and provisioning files are as Grafana's models and Prometheus' rules say"
    print("\n".join(found) if found else well)
    sys.exit(bool(found))
