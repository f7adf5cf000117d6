"""Tables for the quiet part of the suite `suspects` from the machines that `series.py` wrote.

    python machines.py OUT/operations OUT/machines

A table a machine that was watched for a day, its parts (cpu, memory, disk, each network interface) as services. Nobody
says that something was broken; what stands out is a nightly job at worst. The suite wants a case in each table: it is
one at the very end that means nothing, so only `false_alarms_per_day` is to be read.
"""

import csv
import datetime
import json
import pathlib
import sys

MACHINES = ["20130706", "20180606", "bozo-20170904"]


def part(metric):
    """Whose a metric is."""
    name, _, instance = metric.partition("-")
    if name.startswith("network.interface"):
        return f"net-{instance}"
    group = name.split(".")[0]
    return {"kernel": "cpu", "swap": "mem", "vfs": "filesys"}.get(group, group if group != "network" else "tcp")


def main():
    source, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    cases = []
    for machine in MACHINES:
        series = {}
        for path in sorted((source / "data" / machine).glob("*.csv")):
            rows = list(csv.reader(path.open()))[1:]
            series[path.stem] = {seconds(time): value for time, value in rows}
        times = sorted(set().union(*series.values()))
        with (out / f"{machine}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time", *(f"{part(name)}|{name.replace('|', '_')}" for name in series)])
            writer.writerows([at, *(values.get(at, "") for values in series.values())] for at in times)
        cases.append({"case": machine, "file": f"{machine}.csv", "inject_time": times[-1] - 600, "fault": "none",
                      "root_cause_service": "none"})
    (out / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


if __name__ == "__main__":
    main()
