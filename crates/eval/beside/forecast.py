"""How long do other forecasters take for the series of crates/ai/examples/forecast_speed.rs?

    pip install statsforecast
    python crates/eval/beside/forecast.py [SERIES]

prints a JSON object with the seconds of AutoETS (without season: it takes none longer than 24 steps) and of MSTL, which is
told each series' period, on two processes. The sum of all values shows that the series are the same.

Series k (from 0) has the period p = 60, 144, 360 or 720 for k mod 4 = 0 to 3. Its value at step t is
50 + 10 sin(2 pi t / p) + 0.005 (k mod 5) t + 6 (u1 + u2 + u3 - 1.5), and 40 more at every step where t mod 97 = 13 if
k mod 10 = 9. Each u is x / 2^31, where x is the upper 31 bits of the next state of a 64-bit linear congruential
generator (multiplier 6364136223846793005, increment 1442695040888963407, seed k + 1).
"""

import json
import math
import sys
import time

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoETS

POINTS = 1440
HORIZON = 60
PROCESSES = 2
PERIODS = [60, 144, 360, 720]


def series(number):
    period = PERIODS[number % 4]
    state = number + 1
    values = []
    for step in range(POINTS):
        uniforms = []
        for _ in range(3):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            uniforms.append((state >> 33) / 2**31)
        spike = 40.0 if number % 10 == 9 and step % 97 == 13 else 0.0
        wave = 10.0 * math.sin(2.0 * math.pi * step / period)
        noise = 6.0 * (uniforms[0] + uniforms[1] + uniforms[2] - 1.5)
        values.append(50.0 + wave + 0.005 * (number % 5) * step + noise + spike)
    return values


def frame(numbers):
    parts = [
        pd.DataFrame({"unique_id": str(number), "ds": np.arange(POINTS), "y": series(number)})
        for number in numbers
    ]
    return pd.concat(parts, ignore_index=True)


def seconds(model, frames):
    total = 0.0
    for period, data in frames.items():
        forecaster = StatsForecast(models=[model(period)], freq=1, n_jobs=PROCESSES)
        started = time.perf_counter()
        forecaster.forecast(df=data, h=HORIZON, level=[80, 95])
        total += time.perf_counter() - started
    return round(total, 2)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    frames = {
        period: frame([number for number in range(count) if number % 4 == place])
        for place, period in enumerate(PERIODS)
        if place < count
    }
    # The first call compiles; that is not counted.
    warm = frame([0])
    for model in (AutoETS(season_length=1), MSTL(season_length=60)):
        StatsForecast(models=[model], freq=1).forecast(df=warm, h=HORIZON, level=[80, 95])
    result = {
        "series": count,
        "points": POINTS,
        "horizon": HORIZON,
        "processes": PROCESSES,
        "sum": round(float(sum(data["y"].sum() for data in frames.values())), 3),
        "autoets_seconds": seconds(lambda _: AutoETS(season_length=1), frames),
        "mstl_seconds": seconds(lambda period: MSTL(season_length=period), frames),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
