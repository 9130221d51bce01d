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
from lazyscope.data import load_dataset
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


def rows_of(kind: str) -> list[dict[str, Any]]:
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
    rows: list[dict[str, Any]] = [
        {
            "optimizer": kind,
            "asked": "largest stable rate",
            "predicted": edge.value,
            "interval": list(edge.interval),
            "measured": measured,
            "off": edge.value / measured - 1 if edge.value else None,
        }
    ]
    for share in SHARES:
        rate = share * measured
        found = predict_stability(build, data(), **given, **settings | {"rate": rate})
        at = family(rate)
        runs = [measured_stability(at, WIDTH, *at.wide_network(seed)) for seed in range(WIDE_SEEDS)]
        peak, first, last = np.exp(np.log(runs).mean(0))
        asked = (("peak", found.peak, peak), ("last sharpness", found.sharpness_last, last))
        rows += [
            {
                "optimizer": kind,
                "asked": f"{name} at {share:g} of the measured one, {found.answer}",
                "predicted": predicted.value,
                "interval": list(predicted.interval),
                "measured": float(value),
                "off": predicted.value / value - 1 if predicted.value else None,
            }
            for name, predicted, value in asked
        ]
        rows[-1]["of_first"] = float(last / first)
    rows[0]["processor_s"] = time.process_time() - began
    return rows


def run() -> dict[str, Any]:
    return {"width": WIDTH, "rows": [row for kind in BEGIN for row in rows_of(kind)]}
