"""A broken copy of the files is found, and said in words that lead to the place."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from checks import files

RULES = "provisioning/alerting/rules.yml"
POINTS = "provisioning/alerting/contact-points.yml"
POLICIES = "provisioning/alerting/policies.yml"
SOURCES = "provisioning/datasources/prometheus.yml"
BOARD = "dashboards/toyprod.json"


class BrokenFilesAreFound(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.alerts = files.prometheus_alerts(files.PROMETHEUS_RULES)

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # One dashboard is enough to break.
        (self.folder / "dashboards").mkdir()
        shutil.copy(files.GRAFANA / BOARD, self.folder / BOARD)
        shutil.copytree(files.GRAFANA / "provisioning", self.folder / "provisioning")

    def found(self) -> str:
        return "\n".join(files.all_faults(self.folder, self.alerts))

    def assert_found(self, name: str, old: str, new: str, words: str):
        """With `old` replaced by `new` once, the faults hold these words; and again none when it is put back."""
        path = self.folder / name
        whole = path.read_text(encoding="utf-8")
        self.assertIn(old, whole)
        path.write_text(whole.replace(old, new, 1), encoding="utf-8")
        with self.subTest(file=name, old=old, new=new):
            self.assertIn(words, self.found())
        path.write_text(whole, encoding="utf-8")

    def test_the_files_as_they_are_have_no_fault(self):
        self.assertEqual(self.found(), "")

    def test_an_alert_rule_with_a_fault(self):
        for old, new, words in [
            ("noDataState: OK", "noDataState: Silent", "no_data_state is 'Silent', not one of"),
            ("condition: C", "condition: D", ".condition D is none of the queries"),
            ("reducer: last", "reducer: newest", "reducer is 'newest', not one of"),
            ("expression: B", "expression: X", "uses X, which is none of the queries"),
            ("type: gt", "type: above", "type is 'above', not one of"),
            ("params: [0.1]", "params: ten", "params is 'ten'"),
            ("range: true", "range: yes please", "range is 'yes please', not bool"),
            ("for: 2m", "hold: 2m", ".hold is not known to Grafana"),
            ("isPaused: false", "isPaused: 0", "is_paused is 0, not bool"),
            ("datasourceUid: prometheus", "datasourceUid: prom", "asks prom, a data source that is not provisioned"),
            ("panelId: 11", "panelId: 99", "has no panel 99"),
            ('__panelId__: "11"', '__panelId__: "12"', "are not the annotations"),
            ("{{ .Values.B.Value", "{{ $values.B.Value", "holds a $"),
            ("interval: 10s", "interval: 15s", "Grafana evaluates every ten seconds"),
            ("folder: OpsSeer", "folders: OpsSeer", ".folders is not known to Grafana"),
        ]:
            self.assert_found(RULES, old, new, words)

    def test_an_alert_rule_that_says_something_else_than_prometheus(self):
        for old, new, words in [
            ("params: [0.1]", "params: [0.2]", "toyprod:error_rate:ratio_5m > 0.2' here"),
            ("type: gt", "type: lt", "toyprod:error_rate:ratio_5m < 0.1' here"),
            ("for: 2m", "for: 3m", "for: '3m' here, '2m' in Prometheus"),
            ("severity: page", "severity: ticket", "label severity: 'ticket' here, 'page' in Prometheus"),
            ("service: toyprod", "service: shop", "label service: 'shop' here"),
            ("title: ToyProdDown", "title: ToyProdGone", "ToyProdGone: Prometheus has no alert of this name"),
            ("runbooks/toyprod-down.md", "runbooks/down.md", "annotation runbook_url"),
        ]:
            self.assert_found(RULES, old, new, words)

    def test_a_way_to_opsseer_with_a_fault(self):
        for name, old, new, words in [
            (POINTS, "type: webhook", "type: webhok", "type is 'webhok', not one of"),
            (POINTS, "url:", "address:", ".settings.url is missing"),
            (POINTS, "maxAlerts", "max_alerts", ".settings.max_alerts is not known to Grafana"),
            (POINTS, "name: opsseer", "name: other", "there is no contact point opsseer"),
            (POLICIES, "group_wait: 30s", "group_wait: 30", "group_wait is 30, not str"),
            (POLICIES, "group_interval", "groupInterval", ".groupInterval is not known to Grafana"),
            (POLICIES, '[service, "=", ""]', "[service]", "that is not [label, operator, value]"),
            (POLICIES, "policies:", "policy:", ".policy is not known to Grafana"),
            (SOURCES, "isDefault", "default", ".default is not known to Grafana"),
            (SOURCES, "apiVersion: 1", "apiVersion: 2", "apiVersion is not 1"),
        ]:
            self.assert_found(name, old, new, words)

    def test_a_dashboard_with_a_fault(self):
        path = self.folder / BOARD
        whole = path.read_text(encoding="utf-8")
        field = ["panels", 11, "fieldConfig", "defaults"]
        for place, value, words in [
            (["uid"], 7, ".uid is 7, not str"),
            (["grpahTooltip"], 1, ".grpahTooltip is not known to Grafana"),
            (["graphTooltip"], 5, ".graph_tooltip is 5, not one of"),
            (["panels", 1, "gridPos", "w"], "3", "w is '3', not int"),
            (["panels", 1, "options", "colorMode"], "red", "color_mode is 'red', not one of"),
            (["panels", 1, "options", "colourMode"], "value", ".colourMode is not known to Grafana"),
            ([*field, "custom", "lineWidth"], "1", "line_width is '1', not float"),
            ([*field, "thresholds", "steps", 0, "value"], "x", "value is 'x', not float"),
            (["panels", 11, "targets", 0, "expr"], ["up"], "expr is ['up'], not str"),
            (["panels", 11, "targets", 0, "expression"], "up", ".expression is not known to Grafana"),
            (["templating", "list", 0, "refresh"], 9, "refresh is 9, not one of"),
        ]:
            board = json.loads(whole)
            inner = board
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            path.write_text(json.dumps(board), encoding="utf-8")
            with self.subTest(place=place):
                self.assertIn(words, self.found())


if __name__ == "__main__":
    unittest.main()
