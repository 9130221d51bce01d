"""Do narrow networks say at which rate a wide one blows up, and what a rate below that does to it?

    python -m benchmarks narrow_proxy_stability
    python -m benchmarks.narrow_proxy_stability sgd --width 1024 --proxies 64,256 --seeds 16  rates alone

ReLU networks of two hidden layers with a large readout on 64 images of digits, one output, squared loss,
for descent, momentum and Adam. Asked: the rate of divergence within 10 %, the peak of the loss and the last
sharpness within 25 %, at shares of that rate.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jax
import numpy as np

from benchmarks.__main__ import RESULTS, machine
from benchmarks.narrow_proxy import Case, build_of
from lazyscope._plain import plain
from lazyscope.data import load_dataset
from lazyscope.measure import Estimate
from lazyscope.proxy import Training, largest_stable_rate, predict_stability
from lazyscope.proxy._answer import basis_of, estimates_of
from lazyscope.proxy._extrapolation import extrapolate
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
    began = time.process_time()
    edge = largest_stable_rate(
        build, data(), width=WIDTH, proxy_widths=PROXIES, seeds=SEEDS, **settings
    )
    wide = ProxyFamily(
        library_of(build, points_of(data(), "squared"), PROXIES), Training(**settings), WIDTH
    )
    edges = [rate_edge(wide.training, *wide.wide_network(seed)) for seed in range(WIDE_SEEDS)]
    measured = BEGIN[kind] * float(np.exp(np.log(edges).mean()))
    row: dict[str, Any] = {"optimizer": kind, **compared("largest stable rate", edge, measured)}
    row |= below_edge(kind, measured, WIDTH, PROXIES, SEEDS, WIDE_SEEDS)
    return {**row, "processor_s": time.process_time() - began}


def below_edge(
    kind: str, edge: float, width: int, proxies: Sequence[int], seeds: int, wide_seeds: int
) -> dict[str, Any]:
    """What rates do that are shares of the one from which on the wide network diverges."""
    build = build_of(Case(jax.nn.relu, 2, scales, {}), outputs=1)
    library = library_of(build, points_of(data(), "squared"), (proxies[0], proxies[1]))
    row: dict[str, Any] = {}
    for share in SHARES:
        settings = {"optimizer": kind, "rate": share * edge, "steps": STEPS}
        found = predict_stability(
            build, data(), width=width, proxy_widths=proxies, seeds=seeds, **settings
        )
        at = ProxyFamily(library, Training(**settings), width)
        runs = [measured_stability(at, width, *at.wide_network(seed)) for seed in range(wide_seeds)]
        peak, first, last = np.exp(np.log(runs).mean(0))
        row[f"answer at {share:g}"] = found.answer
        row |= compared(f"peak at {share:g}", found.peak, peak)
        row[f"peaks at {share:g}, of the wide ones"] = [plain(each[0]) for each in runs]
        row |= compared(f"last sharpness at {share:g}", found.sharpness_last, last)
        row[f"last over first at {share:g}"] = plain(last / first)
    return row


def edges_of(
    kind: str, width: int, proxies: Sequence[int], seeds: int, wide_seeds: int
) -> dict[int, list[float]]:
    """The rates from which on networks of every width diverge, seed by seed."""
    build = build_of(Case(jax.nn.relu, 2, scales, {}), outputs=1)
    library = library_of(build, points_of(data(), "squared"), (proxies[0], proxies[1]))
    family = ProxyFamily(library, Training(optimizer=kind, rate=BEGIN[kind], steps=STEPS), width)
    counts = {**dict.fromkeys(proxies, seeds), width: wide_seeds}
    return {
        each: [
            BEGIN[kind] * rate_edge(family.training, *family.drawn(each, seed))
            for seed in range(count)
        ]
        for each, count in counts.items()
    }


def edge_row(
    kind: str, width: int, proxies: Sequence[int], edges: Mapping[int, Sequence[float]]
) -> dict[str, Any]:
    """The predicted rate beside the measured one, and how much both scatter from seed to seed."""
    logs = {each: np.log(edges[each]) for each in (*proxies, width)}
    found = extrapolate([logs[each] for each in proxies], proxies, width)
    basis = basis_of(len(edges[proxies[0]]), proxies, width)
    return {
        "optimizer": kind,
        "width": width,
        "proxies": list(proxies),
        "seeds": len(edges[proxies[0]]),
        "wide_seeds": len(edges[width]),
        **compared(
            "largest stable rate", estimates_of(found, basis)[0], np.exp(logs[width].mean())
        ),
        "standard error of its logarithm": float(found.standard_error),
        "standard error of that of the wide ones": error_of(logs[width]),
        "scatter of the logarithm, by width": {
            str(m): float(v.std(ddof=1)) for m, v in logs.items()
        },
    }


def error_of(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


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


def store(row: dict[str, Any]) -> None:
    """Put a row into the results of this benchmark, in place of an earlier one of the same rates."""
    path = RESULTS / "narrow_proxy_stability.json"
    held = json.loads(path.read_text())
    named = ("optimizer", "width", "proxies")
    rates = [each for each in held.get("rates", ()) if any(each[k] != row[k] for k in named)]
    date = datetime.now(UTC).isoformat(timespec="seconds")
    row = {**row, "date": date, "machine": machine()}
    path.write_text(json.dumps({**held, "rates": [*rates, row]}, indent=1) + "\n")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("optimizers", nargs="*", default=list(BEGIN))
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--proxies", default=",".join(map(str, PROXIES)))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--wide-seeds", type=int, default=WIDE_SEEDS)
    parser.add_argument("--peaks", action="store_true", help="rates below that one too")
    given = parser.parse_args(arguments)
    proxies = tuple(int(each) for each in given.proxies.split(","))
    for kind in given.optimizers:
        began = time.process_time()
        edges = edges_of(kind, given.width, proxies, given.seeds, given.wide_seeds)
        row = edge_row(kind, given.width, proxies, edges)
        if given.peaks:
            edge = float(np.exp(np.log(edges[given.width]).mean()))
            row |= below_edge(kind, edge, given.width, proxies, given.seeds, given.wide_seeds)
        row["processor_s"] = time.process_time() - began
        print(json.dumps(row), flush=True)
        store(row)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
