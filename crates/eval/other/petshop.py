"""The PetShop root-cause data set (Amazon Science) in the format of the suite `suspects`.

    python petshop.py DATASET OUT

DATASET is the folder `dataset` of the repository; OUT gets a folder a kind of traffic, with the quiet time before as
`normal_file`, the calls as `graph` and the service that shows the symptom as `target`.
"""

import csv
import gzip
import json
import pathlib
import sys


def plain(name):
    """Commas and bars separate columns and their parts."""
    return name.replace(",", " ").replace("|", " ")


def convert(source, target):
    """A table with lines for service, metric and statistic above one for the index; times in Unix seconds."""
    with source.open() as file:
        services, metrics, statistics, _, *rows = list(csv.reader(file))
    heads = [f"{plain(s)}|{plain(m)}|{plain(t)}" for s, m, t in zip(services[1:], metrics[1:], statistics[1:])]
    target.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(target, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *heads])
        writer.writerows(row for row in rows if row and row[0])


def calls(source, target):
    """From a matrix whose line is the caller and whose column is the callee to a line for each call."""
    with source.open() as file:
        head, *rows = list(csv.reader(file))
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["from", "to"])
        for caller, *cells in rows:
            writer.writerows((plain(caller), plain(callee)) for callee, cell in zip(head[1:], cells) if float(cell or 0))


def main():
    dataset, out = map(pathlib.Path, sys.argv[1:3])
    for traffic in sorted(path.parent for path in dataset.glob("*/graph.csv")):
        folder = out / traffic.name
        convert(traffic / "noissue/metrics.csv", folder / "noissue.csv.gz")
        calls(traffic / "graph.csv", folder / "graph.csv")
        cases = []
        for issue in sorted(traffic.glob("*/issue_*")):
            told = json.loads((issue / "target.json").read_text())
            name = f"{issue.parent.name}-{issue.name}"
            convert(issue / "metrics.csv", folder / f"{name}.csv.gz")
            cases.append({
                "case": name, "file": f"{name}.csv.gz", "normal_file": "noissue.csv.gz", "graph": "graph.csv",
                "fault": told["target"]["metric"], "root_cause_service": plain(told["root_cause"]["node"]),
                "target": {"node": plain(told["target"]["node"])},
            })
        (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
        print(f"{traffic.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
