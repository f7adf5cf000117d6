"""How long does a robust scorer in Python take for the series of crates/ai/examples/suspects_speed.rs?

    pip install numpy pandas
    python crates/eval/beside/suspects.py [SERIES]

prints a JSON object with the seconds of one pass over all series, the best of five. The scorer is the published one of
BARO (Pham, Ha and Zhang, 2024): of each series the greatest distance from the median after the onset, in interquartile
ranges, both taken before the onset. Here the greatest score of a service's series is the service's. The sum of all values
shows that the series are the same.

Series k (from 0) belongs to service k mod 100 and is its metric k / 100 mod 10. Its value at step t is
50 + 5 sin(2 pi t / 720) + 6 (u1 + u2 + u3 - 1.5), and 60 more from step 1,400 on if its service is 7. Each u is
x / 2^31, where x is the upper 31 bits of the next state of a 64-bit linear congruential generator (multiplier
6364136223846793005, increment 1442695040888963407, seed k + 1).
"""

import json
import math
import sys
import time

import numpy as np
import pandas as pd

POINTS = 1440
FAULT = 1400
RUNS = 5


def series(number):
    state = number + 1
    values = []
    for step in range(POINTS):
        uniforms = []
        for _ in range(3):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            uniforms.append((state >> 33) / 2**31)
        wave = 5.0 * math.sin(2.0 * math.pi * step / 720.0)
        noise = 6.0 * (uniforms[0] + uniforms[1] + uniforms[2] - 1.5)
        fault = 60.0 if number % 100 == 7 and step >= FAULT else 0.0
        values.append(50.0 + wave + noise + fault)
    return values


def rank(table):
    before, since = table.iloc[:FAULT], table.iloc[FAULT:]
    median = before.median()
    spread = (before.quantile(0.75) - before.quantile(0.25)).replace(0.0, 1.0)
    scores = ((since - median).abs() / spread).max()
    return scores.groupby(level=0).max().sort_values(ascending=False)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    columns = {(f"service-{number % 100:02}", f"metric-{number // 100}"): series(number) for number in range(count)}
    table = pd.DataFrame(columns)
    best, first = math.inf, ""
    for _ in range(RUNS):
        started = time.perf_counter()
        first = rank(table).index[0]
        best = min(best, time.perf_counter() - started)
    total = float(np.sum(table.to_numpy()))
    print(
        json.dumps(
            {
                "series": count,
                "points": POINTS,
                "sum": round(total, 3),
                "first": first,
                "best_of": RUNS,
                "seconds": round(best, 4),
                "pandas": pd.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
