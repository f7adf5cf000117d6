"""statsforecast on the series that `series.py` wrote, scored as the suite `forecast` scores.

    python beside.py OUT/hourly --season 24
    opsseer eval forecast --data OUT/operations --json > ours.json
    python beside.py OUT/operations --ours ours.json

The second form takes the same moments as the suite and tells how large the errors are beside those of the last value
again: the geometric mean of the ratios, each held between 1/20 and 20, because the mean of errors in units of a
series that hardly moves says nothing.
"""

import argparse
import csv
import gzip
import json
import pathlib
import time
import warnings

import numpy
from statsforecast.models import MSTL, AutoETS, AutoTheta, Naive, SeasonalNaive

# What an automatic choice of a model is given of a long series, or it would take minutes.
NEWEST = 1_000

MOMENTS, LONGEST = 5, 288


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--season", type=int, default=24)
    parser.add_argument("--ours", type=pathlib.Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if (args.folder / "train.csv.gz").exists():
        competition(args.folder, args.season)
    else:
        rolling(args.folder / "data", args.ours)


def rows(path):
    with gzip.open(path, "rt") as file:
        return {row[0]: numpy.array([float(cell) for cell in row[1:] if cell]) for row in list(csv.reader(file))[1:]}


def competition(folder, season):
    train, test = rows(folder / "train.csv.gz"), rows(folder / "test.csv.gz")
    models = {
        "SeasonalNaive": lambda: SeasonalNaive(season),
        "AutoTheta": lambda: AutoTheta(season),
        "AutoETS": lambda: AutoETS(season),
        "MSTL (AutoETS for the trend)": lambda: MSTL(season, trend_forecaster=AutoETS(model="ZZN")),
        "MSTL, day and week": lambda: MSTL([season, 7 * season], trend_forecaster=AutoETS(model="ZZN")),
    }
    for name, model in models.items():
        smape, mase, took = [], [], 0.0
        for row, known in train.items():
            came = test[row]
            started = time.perf_counter()
            point = model().forecast(y=known, h=len(came))["mean"]
            took += time.perf_counter() - started
            size = numpy.abs(came) + numpy.abs(point)
            off = numpy.abs(came - point)
            smape.append(200 * numpy.mean(numpy.divide(off, size, out=numpy.zeros_like(off), where=size > 0)))
            scale = numpy.mean(numpy.abs(known[season:] - known[:-season]))
            if scale > 0:
                mase.append(numpy.mean(off) / scale)
        print(
            f"{name}: sMAPE {numpy.mean(smape):.1f}, MASE {numpy.mean(mase):.3f} (median {numpy.median(mase):.3f}), "
            f"{took * 1000 / len(train):.0f} ms a series, {len(train)} series",
            flush=True,
        )


def moments(values):
    """The suite's: five of the second half, a tenth of the series ahead."""
    horizon = min(max(len(values) // 10, 1), LONGEST)
    first, last = len(values) // 2, len(values) - horizon
    return [(first + (last - first) * nth // (MOMENTS - 1), horizon) for nth in range(MOMENTS)]


def rolling(folder, ours):
    told = {}
    if ours:
        told = {item["id"]: item["scores"]["mase"] for item in items(json.loads(ours.read_text())) if "mase" in item["scores"]}
    models = {"AutoETS": lambda: AutoETS(1), "AutoTheta": lambda: AutoTheta(1)}
    ratios = {name: [] for name in ["last season", *models, "OpsSeer"]}
    took = dict.fromkeys(models, 0.0)
    for path in sorted(folder.rglob("*.csv")):
        with path.open() as file:
            table = list(csv.reader(file))[1:]
        values = numpy.array([float(row[1]) for row in table])
        times = numpy.array([row[0] for row in table], dtype="datetime64[s]")
        step = int(numpy.sort(numpy.diff(times).astype(int))[(len(times) - 1) // 2])
        day = max(86_400 // max(step, 1), 1)
        for cut, horizon in moments(values):
            known, came = values[:cut], values[cut : cut + horizon]
            season = day if 2 * day <= cut else 1
            scale = numpy.mean(numpy.abs(known[season:] - known[:-season]))
            name = f"{path.relative_to(folder)}@{cut}"
            if scale <= 0:
                continue

            def error(point):
                return max(numpy.mean(numpy.abs(came - point)) / scale, 1e-9)

            floor = error(Naive().forecast(y=known, h=horizon)["mean"])
            ratios["last season"].append(error(SeasonalNaive(season).forecast(y=known, h=horizon)["mean"]) / floor)
            for model, make in models.items():
                started = time.perf_counter()
                point = make().forecast(y=known[-NEWEST:], h=horizon)["mean"]
                took[model] += time.perf_counter() - started
                ratios[model].append(error(point) / floor)
            if name in told:
                ratios["OpsSeer"].append(max(told[name], 1e-9) / floor)
    for name, found in ratios.items():
        if found:
            mean = numpy.exp(numpy.mean(numpy.log(numpy.clip(found, 1 / 20, 20))))
            cost = f", {took[name] * 1000 / len(found):.0f} ms each" if name in took else ""
            print(f"{name}: {mean:.3f} of the error of the last value again, {len(found)} forecasts{cost}", flush=True)


def items(found):
    """All items of a saved run."""
    if isinstance(found, dict):
        if "scores" in found and "id" in found:
            yield found
        else:
            for value in found.values():
                yield from items(value)
    elif isinstance(found, list):
        for value in found:
            yield from items(value)


if __name__ == "__main__":
    main()
