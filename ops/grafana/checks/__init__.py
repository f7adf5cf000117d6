"""Checks of what Grafana is given: against its models, against Prometheus' rules, and against a running Prometheus."""
