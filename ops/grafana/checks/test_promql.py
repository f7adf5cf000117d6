"""Metric names are told from all else that PromQL writes as a word."""

import unittest

from checks.promql import filled, metric_names


class PromQL(unittest.TestCase):
    def test_names_of_metrics(self):
        for expr, names in [
            ('sum by (svc) (rate(a_total{x="b", y=~"c|d"}[5m]))', {"a_total"}),
            ("100 * svc:a:b / on (svc) group_left (job) svc:c:d > bool 1e3", {"svc:a:b", "svc:c:d"}),
            ("topk by (id) (1, last_over_time(a[1h:5m] offset 2m)) or vector(0)", {"a"}),
            ('label_replace(a, "svc", "$1", "not_a_metric", "(.*)") unless b', {"a", "b"}),
            ("histogram_quantile(0.5, sum by (le) (a_bucket)) and -Inf < time()", {"a_bucket"}),
        ]:
            with self.subTest(expr=expr):
                self.assertEqual(metric_names(expr), names)

    def test_variables(self):
        spans = {"__range": "15m"}
        self.assertEqual(filled('a{b=~"$b", c="${c:regex}"}[$__range]', spans), 'a{b=~".*", c=".*"}[15m]')


if __name__ == "__main__":
    unittest.main()
