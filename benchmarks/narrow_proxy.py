"""Do narrow networks say what a wide one does, how exactly, and for how much of its cost?

    python -m benchmarks narrow_proxy                                      all cases at width 4096 (hours)
    python -m benchmarks.narrow_proxy relu-adam tanh-momentum --width 1024 some of them, smaller
    python -m benchmarks.narrow_proxy convolution --width 64 --proxies 16,32 --store

Dense networks on 256 images of digits, and two others of `benchmarks.narrow_proxy_networks`. `--store` puts
rows into results/narrow_proxy.json, in place of those of the same case, width, proxies and points.

Asked: mean over the curve of |log loss - log loss of the wide network| at most the larger of 0.1 and twice
the standard error of the wide ones, displacements of all matrices within 3 %, at most a tenth of the
processor time of one wide training. Beside it what people do instead, at width 128, of dense networks: the
wide network's own standard deviations and rates (raw), and the network as its builder draws it there with
the rates of muP (muP). Both are compared with the same wide curve.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.__main__ import RESULTS, machine
from benchmarks.narrow_proxy_networks import NETWORKS
from lazyscope.data import load_dataset
from lazyscope.measure import Estimate
from lazyscope.proxy import Training, narrow_proxy
from lazyscope.proxy._family import ProxyFamily
from lazyscope.proxy._plan import transfers_of
from lazyscope.proxy._training import points_of
from lazyscope.proxy.library._library import library_of
from lazyscope.proxy.library._network import own_numbers

WIDTH, PROXIES, SEEDS, WIDE_SEEDS, INSTEAD, POINTS = 4096, (64, 128), 8, 4, 128, 256


class Case(NamedTuple):
    """A start and a training.

    Attributes:
        act: activation.
        depth: hidden layers.
        scales: standard deviations of first, hidden and last layers at a width.
        training: fields of `Training`.
    """

    act: Callable[[Any], Any]
    depth: int
    scales: Callable[[int], tuple[float, float, float]]
    training: dict[str, Any]


def standard(gain: float, readout: float = 1.0) -> Callable[[int], tuple[float, float, float]]:
    return lambda m: (0.125 * gain, gain * m**-0.5, readout * m**-0.5)


def condensed(size: float) -> Callable[[int], tuple[float, float, float]]:
    return lambda m: (size * m**-0.5 / 8, size * m**-0.5, size * m**-0.5 / 8)


def mean_field(m: int) -> tuple[float, float, float]:
    return 0.25, m**-0.5, 1 / m


def steps(kind: str, rate: float, count: int, loss: str = "cross-entropy") -> dict[str, Any]:
    return {"optimizer": kind, "rate": rate, "steps": count, "loss": loss}


HE, LECUN = standard(2**0.5), standard(1.0)
CASES = {
    "relu-adam": Case(jax.nn.relu, 2, HE, steps("adam", 3e-4, 60)),
    "relu4-adam": Case(jax.nn.relu, 4, HE, steps("adam", 1e-4, 60)),
    "relu-adam-squared": Case(jax.nn.relu, 2, HE, steps("adam", 3e-4, 60, "squared")),
    "tanh-momentum": Case(jnp.tanh, 2, LECUN, steps("momentum", 2e-2, 60)),
    "tanh3-adam": Case(jnp.tanh, 3, LECUN, steps("adam", 3e-4, 60)),
    "tanh-lazy-adam": Case(jnp.tanh, 2, standard(1.0, 30.0), steps("adam", 1e-4, 60)),
    "gelu-sgd": Case(jax.nn.gelu, 2, HE, steps("sgd", 2e-3, 200, "squared")),
    "gelu-mean-field-adam": Case(jax.nn.gelu, 2, mean_field, steps("adam", 1e-4, 60)),
    "relu-condensed-sgd": Case(jax.nn.relu, 2, condensed(0.7), steps("sgd", 1.0, 200)),
    "relu-condensed-adam": Case(jax.nn.relu, 2, condensed(0.3), steps("adam", 1e-4, 100)),
}


def build_of(
    case: Case, *, scales_of: int | None = None, outputs: int = 10
) -> Callable[[int, int], Any]:
    """Networks of a case; with the standard deviations of one width at every width, if asked."""

    def build(width: int, seed: int) -> Any:
        keys = jax.random.split(jax.random.PRNGKey(seed), case.depth + 1)
        sizes = [64, *[width] * case.depth, outputs]
        first, hidden, last = case.scales(scales_of or width)
        scales = [first, *[hidden] * (case.depth - 1), last]
        params = {
            f"w{k}": jax.random.normal(key, sizes[k : k + 2]) * scales[k]
            for k, key in enumerate(keys)
        }

        def apply(p: Any, x: Any) -> Any:
            for k in range(case.depth):
                x = case.act(x @ p[f"w{k}"])
            return x @ p[f"w{case.depth}"]

        return apply, params

    return build


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    held = load_dataset("digits", num_points=points, num_test=0)
    return np.asarray(held.x_train, np.float32) * 4, np.asarray(held.y_train, np.float32)


def instead(case: Case, width: int, wide: np.ndarray, points: int) -> dict[str, float]:
    """Errors of the curves of what people do in place of a proxy."""
    settings = Training(**case.training)
    given = points_of(data(points), settings.loss)
    found = {}
    for name, build in (("raw", build_of(case, scales_of=width)), ("muP", build_of(case))):
        library = library_of(build, given, PROXIES)
        numbers = own_numbers(len(library.roles))
        if name == "muP":
            rates = transfers_of(library.roles, settings.optimizer, width, INSTEAD)
            numbers = numbers._replace(rate=tuple(each.rate for each in rates))
        runs = [library.draw(INSTEAD, seed).train(settings, numbers).loss for seed in range(4)]
        found[name] = float(np.abs(np.log(runs).mean(0) - wide).mean())
    return found


def row_of(
    name: str,
    width: int,
    proxies: Sequence[int],
    seeds: int,
    wide_seeds: int,
    num_points: int = POINTS,
) -> dict[str, Any]:
    case = CASES.get(name)
    if case is None:
        build, points, training = NETWORKS[name]
        given = points()
    else:
        build, given, training = build_of(case), data(num_points), case.training
    began = time.process_time()
    found = narrow_proxy(build, given, width=width, proxy_widths=proxies, seeds=seeds, **training)
    whole = time.process_time() - began
    settings = Training(**training)
    library = library_of(build, points_of(given, settings.loss), (proxies[0], proxies[1]))
    family = ProxyFamily(library, settings, width)
    runs = [
        network.train(settings, numbers)
        for network, numbers in (family.wide_network(seed) for seed in range(wide_seeds))
    ]
    curves = np.log([run.loss for run in runs])
    wide = curves.mean(0)
    predicted = np.log([each.value for each in found.loss])
    norms = np.log([run.moved for run in runs]).mean(0) - np.log(family.wide.norms)
    moved = np.log([each.displacement.value for each in found.arrays])
    errors = [
        curves[:, list(found.steps)].std(0, ddof=1) / wide_seeds**0.5,
        np.log([run.moved for run in runs]).std(0, ddof=1) / wide_seeds**0.5,
    ]
    held = _held(found.loss, wide[list(found.steps)], errors[0])
    held += _held([each.displacement for each in found.arrays], norms, errors[1])
    taken = float(np.mean([run.seconds for run in runs]))
    return {
        "case": name,
        "width": width,
        "proxies": list(proxies),
        "seeds": seeds,
        "wide_seeds": wide_seeds,
        "points": len(given[0]),
        "loss": [float(np.exp(wide[0])), float(np.exp(wide[-1]))],
        "error": float(np.abs(predicted - wide[list(found.steps)]).mean()),
        "standard_error": float(errors[0].mean()),
        "displacement": _told(np.exp(norms)),
        "displacement_off": _told(np.where(np.isfinite(norms), np.expm1(moved - norms), np.nan)),
        "displacement_standard_error": _told(errors[1]),
        "intervals_held": float(np.mean(held)),
        "regime": found.regime,
        "wide_s": taken,
        "proxies_s": found.seconds,
        "share_of_cost": found.seconds / taken,
        "with_reading_and_compilation_s": whole,
        **(
            {}
            if case is None
            else {f"error_{k}": v for k, v in instead(case, width, wide, num_points).items()}
        ),
    }


def _told(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON: nothing for an array that starts at zero, whose change is over nothing."""
    return [float(each) if np.isfinite(each) else None for each in values]


def _held(predicted: Sequence[Estimate], measured: np.ndarray, error: np.ndarray) -> list[bool]:
    """Whether intervals hold means of few wide runs, which are off by two standard errors of their own."""
    ends = np.log([each.interval for each in predicted])  # pyright: ignore[reportArgumentType]
    held = (ends[:, 0] - 2 * error <= measured) & (measured <= ends[:, 1] + 2 * error)
    return list(held[np.isfinite(measured)])  # an array that starts at zero moves by nothing of it


def store(row: dict[str, Any]) -> None:
    """Put a row into the results of this benchmark, in place of an earlier one of the same case."""
    path = RESULTS / "narrow_proxy.json"
    held = json.loads(path.read_text()) if path.exists() else {"rows": []}
    named = ("case", "width", "proxies", "points")
    rows = [each for each in held["rows"] if any(each[k] != row[k] for k in named)]
    date = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"benchmark": "narrow_proxy", "date": date, "machine": machine(), "rows": [*rows, row]}
    path.write_text(json.dumps(told, indent=1) + "\n")


def run() -> dict[str, Any]:
    return {"rows": [row_of(name, WIDTH, PROXIES, SEEDS, WIDE_SEEDS) for name in CASES]}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--proxies", default=",".join(map(str, PROXIES)))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--wide-seeds", type=int, default=WIDE_SEEDS)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args(arguments)
    proxies = tuple(int(each) for each in given.proxies.split(","))
    for name in given.cases:
        row = row_of(name, given.width, proxies, given.seeds, given.wide_seeds, given.points)
        print("  ".join(f"{k} {_shown(v)}" for k, v in row.items()), flush=True)
        if given.store:
            store(row)
    return 0


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "[" + " ".join(map(_shown, value)) + "]" if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
