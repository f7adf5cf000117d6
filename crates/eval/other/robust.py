"""The published robust scorer on data of the suite `suspects`, seen as the suite sees it.

    python robust.py FOLDER...

BARO's scorer (Pham, Ha and Zhang, 2024): of each series the greatest distance from the median since the onset, in
quartile distances of the time before; a distance of 0 counts as 1. A service is as suspicious as the worst of its series.
"""

import csv
import gzip
import json
import pathlib
import sys

import numpy

# The time before the onset and after it, as in the suite.
BEFORE_ROWS, AFTER_S, AFTER_ROWS = 120, 300, 5


def table(path):
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        head, *rows = list(csv.reader(file))
    values = numpy.array([[float(cell) if cell else numpy.nan for cell in row] for row in rows])
    return head[1:], values[:, 0], values[:, 1:]


def score(before, since):
    before, since = before[~numpy.isnan(before)], since[~numpy.isnan(since)]
    if len(before) < 3 or not len(since):
        return 0.0
    low, middle, high = numpy.percentile(before, [25, 50, 75])
    return float(numpy.max(numpy.abs(since - middle)) / ((high - low) or 1.0))


def place(folder, case):
    """How many services are more suspicious than the broken one."""
    head, times, values = table(folder / case["file"])
    if "normal_file" in case:
        before, since = table(folder / case["normal_file"])[2], values
    else:
        onset = int(numpy.sum(times <= case["inject_time"]))
        end = max(int(numpy.sum(times <= case["inject_time"] + AFTER_S)), onset + AFTER_ROWS)
        before, since = values[max(0, onset - BEFORE_ROWS) : onset], values[onset:end]
    worst = {}
    for column, name in enumerate(head):
        service = name.split("|")[0]
        worst[service] = max(worst.get(service, 0.0), score(before[:, column], since[:, column]))
    order = sorted(worst, key=worst.get, reverse=True)
    return order.index(case["root_cause_service"])


def main():
    for folder in map(pathlib.Path, sys.argv[1:]):
        places = [place(folder, json.loads(line)) for line in (folder / "cases.jsonl").read_text().splitlines()]
        within = [sum(place < first for place in places) / len(places) for first in range(1, 6)]
        print(f"{folder}: n {len(places)}, ac1 {within[0]:.3f}, ac3 {within[2]:.3f}, avg5 {sum(within) / 5:.3f}")


if __name__ == "__main__":
    main()
