"""How do input weights gather on one line with two, with three layers, and with a convolution?

While outputs are small and the activation is linear, the input weights of every architecture here grow
along one direction ``v = sum_i y_i phi(x_i) / n``: of a dense network phi is the point, of a convolution
the mean of the patches that its kernels see. What lies across stays as it was drawn. With L + 1 layers
alike each begins at ``kappa^(1/(L+1))`` and ends at order one when the loss begins to fall: the share of
the mass of input weights across the line is like ``kappa^(2/(L+1))``. Two layers feed each other
linearly, ``w' = a v``, ``a' = <w, v>``, and take ``t |v| = log(1/kappa) / 2``; three multiply, and blow
up at a time like ``kappa^(-1/3)``.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.papers._condensation_power import off_line_share
from lazyscope.claims.papers.directions._multiplicity import judged
from lazyscope.claims.papers.directions._training import SIZE, Trained, numbered, slopes, train
from lazyscope.data import Dataset, sphere_teacher

SETS, POINTS = 8, 20
KAPPAS = (1e-10, 1e-12, 1e-14)
"""Far below the targets, whose size is `SIZE`."""
_DIMS = {"dense": 5, "convolution": 64}
_WIDTHS = {"dense": 128, "convolution": 64}
STOP = 0.99
KERNEL, STRIDE, SIDE = 3, 2, 8
_SLOPE = Rule.number(resolution=0.05, accuracy=0.01)
"""A hundredth is what the tolerance of the flow makes of a growth."""
_ROWS: dict[str, tuple[float | None, Rule, str, int]] = {
    "two-layer-time": (0.5, _SLOPE, "dense", 1),
    "three-layer-line": (2 / 3, _SLOPE, "dense", 2),
    "three-layer-time": (-1 / 3, _SLOPE, "dense", 2),
    "convolution-line": (1.0, _SLOPE, "convolution", 1),
    "convolution-direction": (None, Rule.at_least(0.99), "convolution", 1),
}
_NOISE: dict[str, Any] = {
    "convolution-direction": {"model": "mean", "sd": 0.003, "exact": 0.999, "away": 0.95}
}


def deeper_rows() -> Iterator[Row]:
    """What `deeper_findings` claims."""
    source = "a pilot of two other sets (seeds 9000 and 9001)"
    for name, (prediction, rule, kind, depth) in _ROWS.items():
        design = {
            "architecture": kind,
            "depth": depth,
            "width": _WIDTHS[kind],
            "activation": "tanh",
            "data": f"sphere-teacher, {POINTS} points, {_DIMS[kind]} dimensions, times {SIZE:g}",
            "kappas": KAPPAS,
            "scales": "all alike",
            "stop": STOP,
            "seeds": SETS,
        }
        noise = _NOISE.get(name, {"model": "mean", "sd": 0.003}) | {"source": source}
        yield Row(name, prediction, rule, design, noise=noise)


def deeper_findings(seeds: range) -> Iterator[Finding]:
    """Powers of kappa of three architectures, and the line of the kernels of a convolution."""
    two, three = (_all(seeds, "dense", depth) for depth in (1, 2))
    kernels = _all(seeds, "convolution", 1)
    lengths = np.array([np.linalg.norm(line_of(_data("dense", seed))) for seed in seeds])
    values = {
        "two-layer-time": -slopes(KAPPAS, np.exp(_each(two, _time) * lengths[:, None])),
        "three-layer-line": slopes(KAPPAS, _each(three, _across)),
        "three-layer-time": slopes(KAPPAS, _each(three, _time)),
        "convolution-line": slopes(KAPPAS, _each(kernels, _across)),
        "convolution-direction": np.array(
            [
                _cosine(row[-1], line_of(_data("convolution", s)))
                for row, s in zip(kernels, seeds, strict=True)
            ]
        ),
    }
    claims = {
        "two-layer-time": "two layers: the time until the loss begins to fall, times |v|, grows by 1/2 for "
        "every factor e of 1/kappa",
        "three-layer-line": "three layers: the share of the mass of the first layer's weights across their "
        "line is like kappa^(2/3) (two layers: kappa)",
        "three-layer-time": "three layers: the time until the loss begins to fall is like kappa^(-1/3), a "
        "blow-up (two layers: a logarithm)",
        "convolution-line": "one convolution: the share of the mass of its kernels across their line is "
        "like kappa",
        "convolution-direction": "there, the line is that of sum_i y_i times the mean patch of x_i: cosine "
        "at least 0.99",
    }
    for name, (prediction, rule, kind, depth) in _ROWS.items():
        basis = (
            f"{kind}, {depth + 1} layers alike, {_WIDTHS[kind]} units, tanh, {POINTS} points of {len(seeds)} "
            f"small teachers on the sphere in {_DIMS[kind]} dimensions, targets of size {SIZE:g}, kappa "
            f"{', '.join(f'{kappa:g}' for kappa in KAPPAS)}, centred, flow to {STOP:g} of the initial loss"
        )
        yield judged(name, claims[name], values[name], rule, prediction, basis)


def line_of(data: Dataset) -> Float[np.ndarray, " d"]:
    """v: of points, or of the mean patch of images of `SIDE` x `SIDE`."""
    x, y = data.x_train, data.y_train[:, 0]
    if x.shape[1] == SIDE**2:
        images = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
        places = range(0, SIDE, STRIDE)
        seen = [images[:, i : i + KERNEL, j : j + KERNEL] for i in places for j in places]
        x = np.mean(seen, axis=0).reshape(len(x), -1)
    return y @ x / len(y)


def _all(seeds: range, kind: str, depth: int) -> list[list[Trained]]:
    layers = depth + 1
    return [
        [
            train(
                _data(kind, seed),
                (kappa ** (1 / layers),) * layers,
                width=_WIDTHS[kind],
                activation="tanh",
                seed=seed,
                stop=STOP,
                architecture=kind,
            )
            for kappa in KAPPAS
        ]
        for seed in seeds
    ]


def _data(kind: str, seed: int) -> Dataset:
    given = sphere_teacher(num_points=POINTS, input_dim=_DIMS[kind], seed=seed)
    return numbered(given.x_train, SIZE * given.y_train[:, 0], "sphere-teacher")


def _each(found: list[list[Trained]], quantity: Any) -> Float[np.ndarray, "sets kappas"]:
    return np.array(
        [[quantity(each) if each.converged else np.nan for each in row] for row in found]
    )


def _time(found: Trained) -> float:
    return found.time


def _across(found: Trained) -> float:
    return float(off_line_share(found.after))


def _cosine(found: Trained, line: Float[np.ndarray, " d"]) -> float:
    leading = np.linalg.svd(found.after)[2][0]
    return float(np.abs(leading @ line) / np.linalg.norm(line)) if found.converged else np.nan
