"""Root-cause cases from the simulation that comes with PyRCA (Salesforce), in the format of the suite `suspects`.

    pip install numpy; pip download --no-deps sfr-pyrca; unzip sfr_pyrca-*.whl pyrca/simulation/data_gen.py -d PYRCA
    python simulated.py PYRCA OUT [CASES]

Each case is a random graph of 20 nodes with 30 edges, one metric each, linear with normal noise. One node's constant is
raised until the last of the graph shows it. The metric is called latency, because that is what travels along calls; a
node calls those that it depends on. OUT/graph has the calls, OUT/none has not.
"""

import csv
import gzip
import importlib.util
import json
import pathlib
import sys

import numpy

NODES, EDGES = 20, 30
BEFORE, DURING = 120, 5
STEP_S = 60


def simulation(folder):
    path = pathlib.Path(folder) / "pyrca/simulation/data_gen.py"
    spec = importlib.util.spec_from_file_location("data_gen", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def case(made, draws):
    """The values before and since, the graph, and the node that was broken."""
    while True:
        graph = made.DAGGen(made.DAGGenConfig(num_node=NODES, num_edge=EDGES, rng=draws)).gen()
        config = made.DataGenConfig(dag=graph, func_type="identity", noise_type="normal", num_samples=BEFORE)
        before, parents, noise, function, kind = made.DataGen(config).gen()
        shown = before[:, 0]
        config = made.AnomalyDataGenConfig(
            parent_weights=parents, noise_weights=noise, noise_type=kind, func_type=function, baseline=shown.mean(),
            threshold=3 * shown.std(), num_samples=DURING, anomaly_type=0,
        )
        # A node whose weights cancel out on the way never shows: the simulation gives up by an error.
        try:
            since, fault = made.AnomalyDataGen(config).gen()
        except TypeError:
            continue
        if numpy.count_nonzero(fault) == 1:
            return before, since, graph, int(numpy.argmax(fault))


def main():
    made = simulation(sys.argv[1])
    out = pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    numpy.random.seed(7)
    draws = numpy.random.default_rng(7)
    # The simulation takes generators of its own where it is given none; with a seed the same cases are made again.
    made.np.random.default_rng = lambda *_: draws
    folders = [out / "graph", out / "none"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    cases = [[], []]
    for nth in range(count):
        before, since, graph, broken = case(made, draws)
        name = f"case-{nth:03}"
        for folder, lines in zip(folders, cases):
            with gzip.open(folder / f"{name}.csv.gz", "wt", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["time", *(f"n{node:02}|latency" for node in range(NODES))])
                for row, values in enumerate(numpy.vstack([before, since])):
                    writer.writerow([1_600_000_000 + row * STEP_S, *(f"{value:.6g}" for value in values)])
            line = {"case": name, "file": f"{name}.csv.gz", "inject_time": 1_600_000_000 + BEFORE * STEP_S - 1,
                    "fault": "constant", "root_cause_service": f"n{broken:02}"}
            if folder.name == "graph":
                with (folder / f"{name}.calls.csv").open("w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["from", "to"])
                    writer.writerows((f"n{shows:02}", f"n{cause:02}") for cause, shows in zip(*numpy.nonzero(graph)))
                line |= {"graph": f"{name}.calls.csv", "target": {"node": "n00"}}
            lines.append(line)
    for folder, lines in zip(folders, cases):
        (folder / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
