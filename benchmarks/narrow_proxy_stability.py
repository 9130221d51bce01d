"""Do narrow networks say at which rate a wide one blows up, and what a rate below that does to it?

    python -m benchmarks narrow_proxy_stability

ReLU networks of two hidden layers with a large readout on 64 images of digits, one output, squared loss,
for descent, momentum and Adam. Asked: the rate of divergence within 10 %, the peak of the loss and the last
sharpness within 25 %, at shares of that rate.
"""

import time
from typing import Any

import jax
import numpy as np

from benchmarks.narrow_proxy import Case, build_of
from lazyscope._plain import plain
from lazyscope.data import load_dataset
from lazyscope.measure import Estimate
from lazyscope.proxy import Training, largest_stable_rate, predict_stability
from lazyscope.proxy._family import ProxyFamily
from lazyscope.proxy._stability import measured_stability
from lazyscope.proxy._stable_rate import rate_edge
from lazyscope.proxy._training import points_of
from lazyscope.proxy.library._library import library_of

WIDTH, PROXIES, SEEDS, WIDE_SEEDS, STEPS = 256, (32, 64), 8, 4, 100
SHARES = (0.2, 0.4, 0.7)
BEGIN = {"sgd": 0.05, "momentum": 0.02, "adam": 0.01}


def scales(m: int) -> tuple[float, float, float]:
    return 0.125, (2 / m) ** 0.5, 2 * m**-0.5


def data() -> tuple[np.ndarray, np.ndarray]:
    held = load_dataset("digits", num_points=64, num_test=0, target="parity")
    return np.asarray(held.x_train, np.float32) * 8, np.asarray(held.y_train, np.float32)


def row_of(kind: str) -> dict[str, Any]:
    build = build_of(Case(jax.nn.relu, 2, scales, {}), outputs=1)
    settings = {"optimizer": kind, "rate": BEGIN[kind], "steps": STEPS}
    given = {"width": WIDTH, "proxy_widths": PROXIES, "seeds": SEEDS}
    began = time.process_time()
    edge = largest_stable_rate(build, data(), **given, **settings)
    library = library_of(build, points_of(data(), "squared"), PROXIES)

    def family(rate: float) -> ProxyFamily:
        return ProxyFamily(library, Training(**settings | {"rate": rate}), WIDTH)

    wide = family(BEGIN[kind])
    edges = [rate_edge(wide.training, *wide.wide_network(seed)) for seed in range(WIDE_SEEDS)]
    measured = BEGIN[kind] * float(np.exp(np.log(edges).mean()))
    row: dict[str, Any] = {"optimizer": kind, **compared("largest stable rate", edge, measured)}
    for share in SHARES:
        rate = share * measured
        found = predict_stability(build, data(), **given, **settings | {"rate": rate})
        at = family(rate)
        runs = [measured_stability(at, WIDTH, *at.wide_network(seed)) for seed in range(WIDE_SEEDS)]
        peak, first, last = np.exp(np.log(runs).mean(0))
        row[f"answer at {share:g}"] = found.answer
        row |= compared(f"peak at {share:g}", found.peak, peak)
        row |= compared(f"last sharpness at {share:g}", found.sharpness_last, last)
        row[f"last over first at {share:g}"] = plain(last / first)
    return {**row, "processor_s": time.process_time() - began}


def compared(asked: str, predicted: Estimate, measured: float) -> dict[str, Any]:
    """Prediction with its interval, measurement, and by how much the first is off."""
    off = None if predicted.value is None else predicted.value / measured - 1
    return {
        asked: predicted.value,
        f"{asked}, interval": list(predicted.interval),
        f"{asked}, wide": plain(float(measured)),
        f"{asked}, off": plain(off),
    }


def run() -> dict[str, Any]:
    return {"width": WIDTH, "proxies": list(PROXIES), "rows": [row_of(kind) for kind in BEGIN]}
