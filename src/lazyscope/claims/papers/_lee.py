"""Do layers and kernel of a wide network in NTK scaling move as Lee et al. measured?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Claim, Effort, Finding, Verdict
from lazyscope.claims._one_run import moved_and_changed, one_run
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import HALF_STEP, SLOPE_ACCURACY
from lazyscope.data import Dataset, load_dataset
from lazyscope.flow import one_lapack_thread
from lazyscope.measure import Estimate, ExponentEstimate, estimate_exponents
from lazyscope.scaling import PowerLaw, Scheme

_DEPTH = 3
_WIDTHS = {"quick": (64, 128, 256, 512, 1024), "full": (128, 256, 512, 1024, 2048)}
_NUM_POINTS = {"quick": 32, "full": 128}
_SEEDS = {"quick": 3, "full": 4}
_TARGETS = {"quick": None, "full": "parity"}  # ten outputs average the noise; one keeps n C below m
_STOP = 1e-3
_TOLERANCE = 0.05
_PREDICTED = (-0.5, -1.0, -1.0, -0.5)
_KERNEL = (-1.0, -0.5)
_LAYERS = ("first", "hidden-2", "hidden-3", "last")


def ntk_with_gain(depth: int) -> Scheme:
    """NTK scaling with weight variance 2 and inputs of norm sqrt(d), as seen on inputs of norm one.

    The gain makes activations of ReLU layers keep their size, as in the experiments of the paper.
    """
    gain = 2.0
    scales = (PowerLaw(gain**0.5, 0.5), *[PowerLaw(gain**0.5, 0.0)] * depth)
    speeds = (PowerLaw(gain, 0.0), *[PowerLaw(gain, -1.0)] * depth)
    return Scheme("ntk, weight variance 2", scales, speeds, "Lee et al. 2019 (arXiv 1902.06720)")


def check_lee(effort: Effort) -> tuple[Finding, ...]:
    """Displacement of every layer and change of the kernel against the width, on digits."""
    return check_lee_on(effort, "digits")


def check_lee_on(effort: Effort, data: str) -> tuple[Finding, ...]:
    """The same on other data."""
    points = load_dataset(
        data,
        num_points=_NUM_POINTS[effort],
        num_test=0,
        target=_TARGETS[effort],  # pyright: ignore[reportArgumentType]
    )
    widths, seeds = _WIDTHS[effort], _SEEDS[effort]
    with one_lapack_thread():
        runs = [[_run(points, width, seed) for seed in range(seeds)] for width in widths]
    values = np.moveaxis(np.array(runs), -1, 0)
    found = estimate_exponents(np.asarray(widths), values, accuracy=_TOLERANCE / 5)
    basis = (
        f"depth {_DEPTH}, ReLU, NTK scaling, {points.name}, n = {len(points.x_train)}, "
        f"{points.y_train.shape[1]} outputs, widths {widths[0]} to {widths[-1]}, {seeds} seeds, "
        f"{len(widths) * seeds} runs to {_STOP:g} of the loss"
    )
    rows = [
        _layer_finding(layer, found.cell(layer), values[layer], basis)
        for layer in range(_DEPTH + 1)
    ]
    return (*rows, kernel_finding(found.cell(_DEPTH + 1), values[-1], basis))


def _run(data: Dataset, width: int, seed: int) -> Float[np.ndarray, " layers+1"]:
    told = {"width": width, "depth": _DEPTH, "seed": seed, "stop": _STOP, "tolerance": _TOLERANCE}
    return np.append(*moved_and_changed(one_run(told, data, ntk_with_gain(_DEPTH))))


def _layer_finding(
    layer: int, found: ExponentEstimate, values: Float[np.ndarray, "W S"], basis: str
) -> Finding:
    predicted = _PREDICTED[layer]
    return Finding(
        name=f"lee-{_LAYERS[layer]}",
        claim=f"|dW| / |W| of layer {layer + 1} (Frobenius) ~ m^{predicted:g}",
        prediction=predicted,
        measured=found.estimate,
        verdict=found.estimate.agreement(predicted, resolution=HALF_STEP, accuracy=SLOPE_ACCURACY),
        basis=basis,
        note=found.note,
        details=_details(found, values),
    )


def kernel_finding(
    found: ExponentEstimate, values: Float[np.ndarray, "W S"], basis: str
) -> Finding:
    """The row about the kernel: an exponent that may lie anywhere between -1 and -1/2."""
    return Finding(
        name="lee-kernel",
        claim="|dK| / |K| (Frobenius) ~ m^e with -1 <= e <= -1/2",
        prediction=None,
        measured=found.estimate,
        verdict=within(found.estimate, *_KERNEL),
        basis=basis,
        note=found.note,
        details=_details(found, values),
    )


def within(found: Estimate, floor: float, ceiling: float) -> Verdict:
    """Whether an exponent agrees with the nearest one between `floor` and `ceiling`.

    An exponent on an edge of the claimed range, such as -1 itself, can never be shown to lie inside
    it; it agrees as a number agrees with the edge.

    Example:
        >>> [within(Estimate(*e), -1.0, -0.5) for e in ((-1.0, -1.05, -0.95), (-0.35, -0.4, -0.3))]
        ['agrees', 'disagrees']
    """
    nearest = floor if found.value is None else min(max(found.value, floor), ceiling)
    return found.agreement(nearest, resolution=HALF_STEP, accuracy=SLOPE_ACCURACY)


def _details(found: ExponentEstimate, values: Float[np.ndarray, "W S"]) -> dict[str, Any]:
    return {
        "widths": list(found.widths),
        "means": np.exp(np.nanmean(np.log(values), axis=1)).tolist(),
        "local_slopes": list(found.local_slopes),
        "models": {fit.model: fit.weight for fit in found.models},
    }


def _registered() -> Iterator[Row]:
    design = {
        "data": "digits",
        "num_points": _NUM_POINTS["full"],
        "target": _TARGETS["full"],
        "depth": _DEPTH,
        "activation": "relu",
        "scheme": "NTK, weight variance 2",
        "widths": _WIDTHS["full"],
        "seeds": _SEEDS["full"],
        "stop": _STOP,
        "estimator": "exponent",
        "accuracy": _TOLERANCE / 5,
        "quantity": "Frobenius norms",
    }
    for name, predicted in zip(_LAYERS, _PREDICTED, strict=True):
        rule = Rule.number(resolution=HALF_STEP, accuracy=SLOPE_ACCURACY)
        yield Row(f"lee-{name}", predicted, rule, design)
    rule = Rule("nearest", *_KERNEL, resolution=HALF_STEP, accuracy=SLOPE_ACCURACY)
    yield Row("lee-kernel", None, rule, design)


LEE = Claim(
    name="lee",
    source="Lee, Xiao, Schoenholz et al. 2019 (arXiv 1902.06720)",
    statement=(
        "Three hidden ReLU layers in NTK scaling, 128 points: the Frobenius displacement of first "
        "and last layer falls like m^-1/2, of hidden layers like m^-1, the change of the kernel with "
        "an exponent between -1 and -1/2."
    ),
    check=check_lee,
    check_on=check_lee_on,
    rows=tuple(_registered()),
)
