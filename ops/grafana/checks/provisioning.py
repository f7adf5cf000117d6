"""Dashboards and provisioning files as Grafana reads them.

The envelope of a provisioning file is not part of the published models; its keys are those that Grafana's documentation
lists ("Use configuration files to provision alerting resources", "Provision Grafana").
"""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml
from grafana_foundation_sdk.models import alerting, dashboard

from checks.schema import faults

# Grafana's Prometheus plugin reads these of an annotation, and its alerting these of a query; the models lack them.
ANNOTATION_KEYS = frozenset({"titleFormat", "textFormat", "step"})
QUERY_KEYS = frozenset({"intervalMs", "maxDataPoints"})

GROUP = {"orgId", "name", "folder", "interval", "rules"}
# Keys that a rule has only in a file.
RULE = {"dashboardUid", "panelId"}
# Grafana has a default for some of them; here each is a decision.
REQUIRED_OF_RULE = {
    "uid", "title", "condition", "data", "for", "labels", "annotations", "noDataState", "execErrState",
}
CONTACT_POINT = {"orgId", "name", "receivers"}
WEBHOOK = {
    "url", "httpMethod", "maxAlerts", "username", "password", "authorization_scheme", "authorization_credentials",
    "title", "message",
}
DATA_SOURCE = {
    "name", "uid", "type", "access", "url", "isDefault", "editable", "orgId", "version", "jsonData", "secureJsonData",
}
PROVIDER = {
    "name", "type", "folder", "folderUid", "orgId", "allowUiUpdates", "disableDeletion", "updateIntervalSeconds",
    "options",
}


def read(path: Path) -> dict:
    """The file's content; of YAML or JSON."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)


def dashboard_faults(board: dict) -> Iterator[str]:
    """What is wrong with a dashboard."""
    yield from faults(board, dashboard.Dashboard, ANNOTATION_KEYS)


def file_faults(content: dict, boards: list[dict], data_sources: set[str]) -> Iterator[str]:
    """What is wrong with a provisioning file. Its links must lead to these dashboards and data sources."""
    if content.get("apiVersion") != 1:
        yield "apiVersion is not 1"
    sections = {
        "groups": lambda group: _group_faults(group, boards, data_sources),
        "contactPoints": _contact_point_faults,
        "policies": _policy_faults,
        "datasources": lambda source: _unknown(source, DATA_SOURCE),
        "providers": lambda provider: _unknown(provider, PROVIDER),
    }
    yield from _unknown(content, {"apiVersion", *sections})
    for section, check in sections.items():
        for i, item in enumerate(content.get(section, [])):
            yield from (f"{section}[{i}]{fault}" for fault in check(item))


def _group_faults(group: dict, boards: list[dict], data_sources: set[str]) -> Iterator[str]:
    yield from _unknown(group, GROUP)
    yield from _missing(group, GROUP - {"orgId"})
    if not str(group.get("interval", "")).endswith("0s"):
        yield f".interval is {group.get('interval')}: Grafana evaluates every ten seconds or a multiple of it"
    for rule in group.get("rules", []):
        yield from (f" rule {rule.get('title')}: {fault}" for fault in _rule_faults(rule, boards, data_sources))


def _rule_faults(rule: dict, boards: list[dict], data_sources: set[str]) -> Iterator[str]:
    # What a file says by its place.
    model = {key: value for key, value in rule.items() if key not in RULE}
    model |= {"folderUID": "", "orgID": 1, "ruleGroup": ""}
    yield from faults(model, alerting.Rule, QUERY_KEYS)
    yield from _missing(rule, REQUIRED_OF_RULE)
    asked = [query.get("refId") for query in rule.get("data", [])]
    if rule.get("condition") not in asked:
        yield f".condition {rule.get('condition')} is none of the queries {asked}"
    for query in rule.get("data", []):
        model = query.get("model", {})
        if query.get("datasourceUid") not in data_sources | {"__expr__"}:
            yield f"query {query.get('refId')} asks {query.get('datasourceUid')}, a data source that is not provisioned"
        if model.get("refId") != query.get("refId"):
            yield f"query {query.get('refId')} is called {model.get('refId')} in its model"
        if query.get("datasourceUid") == "__expr__" and model.get("expression") not in asked:
            yield f"query {query.get('refId')} uses {model.get('expression')}, which is none of the queries {asked}"
    yield from _link_faults(rule, boards)
    if any("$" in str(text) for part in ("labels", "annotations") for text in rule.get(part, {}).values()):
        yield "a text holds a $, which Grafana takes for an environment variable"


def _link_faults(rule: dict, boards: list[dict]) -> Iterator[str]:
    """Both ways of naming a panel, by which Grafana and OpsSeer find it, must name the same one, and it must be there."""
    notes = rule.get("annotations", {})
    uid, panel = rule.get("dashboardUid"), rule.get("panelId")
    if (uid, str(panel)) != (notes.get("__dashboardUid__"), notes.get("__panelId__")):
        yield "dashboardUid and panelId are not the annotations __dashboardUid__ and __panelId__"
    panels = [one["id"] for board in boards if board["uid"] == uid for one in board["panels"]]
    if panel not in panels:
        yield f"the dashboard {uid} has no panel {panel}"


def _contact_point_faults(point: dict) -> Iterator[str]:
    yield from _unknown(point, CONTACT_POINT)
    yield from _missing(point, CONTACT_POINT - {"orgId"})
    for receiver in point.get("receivers", []):
        yield from faults(receiver, alerting.ContactPoint)
        yield from _missing(receiver, {"uid", "type", "settings"})
        if receiver.get("type") == "webhook":
            yield from (f".settings{fault}" for fault in _unknown(receiver.get("settings", {}), WEBHOOK))
            yield from (f".settings{fault}" for fault in _missing(receiver.get("settings", {}), {"url"}))


def _policy_faults(policy: dict) -> Iterator[str]:
    model = {key: value for key, value in policy.items() if key != "orgId"}
    for route in [model, *model.get("routes", [])]:
        # In a file each matcher is a list of three; the model has the API's form.
        if "object_matchers" in route and any(len(matcher) != 3 for matcher in route["object_matchers"]):
            yield ".object_matchers has one that is not [label, operator, value]"
        plain = {key: value for key, value in route.items() if key not in {"object_matchers", "routes"}}
        yield from faults(plain, alerting.NotificationPolicy)
        yield from _missing(route, {"receiver", "group_by"})


def _unknown(item: dict, keys: set[str]) -> Iterator[str]:
    yield from (f".{key} is not known to Grafana" for key in item if key not in keys)


def _missing(item: dict, keys: set[str]) -> Iterator[str]:
    yield from (f".{key} is missing" for key in sorted(keys) if item.get(key) in (None, "", [], {}))
