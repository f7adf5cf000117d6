"""As much of PromQL as is needed to fill in a dashboard's variables and to see which metrics an expression names."""

import re

WORDS = {
    "and", "or", "unless", "on", "ignoring", "by", "without", "group_left", "group_right", "bool", "offset", "inf",
    "nan",
}
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
LABELS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")


def filled(expr: str, spans: dict[str, str]) -> str:
    """The expression with Grafana's variables filled in: those named in `spans` by their length of time, others by what
    matches every value."""
    return VARIABLE.sub(lambda found: spans.get(found[1] or found[2], ".*"), expr)


def metric_names(expr: str) -> set[str]:
    """The metrics that an expression names. One that is chosen by `{__name__=...}` is not among them."""
    bare = LABELS.sub(" ", TEXT.sub('""', expr))
    return {name for name in NAME.findall(bare) if name.lower() not in WORDS}
