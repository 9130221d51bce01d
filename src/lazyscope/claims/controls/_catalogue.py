"""Do wrong laws, wrong kernels and networks outside the assumptions come out as what they are?"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lazyscope.claims._finding import Claim, Effort, Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import SLOPE_ACCURACY
from lazyscope.claims._verdict_map import joined
from lazyscope.claims.controls._kernel import kernel_controls, kernel_rows
from lazyscope.claims.controls._outside import outside_controls, outside_rows
from lazyscope.claims.papers._two_layer_decay import CURVE_AND_KERNEL
from lazyscope.measure import ExponentEstimate, estimate_exponent
from lazyscope.scaling import displacement_exponents
from lazyscope.sweep import SweepDesign, open_store, run_sweep

_SCHEMES = {"lazy": (0.25, 0.25), "condensed": (-0.25, -0.25)}
_WIDTHS = {"quick": (100, 562, 3162), "full": (100, 422, 1778, 7499, 31623)}
_SEEDS = {"quick": 3, "full": 5}
_ACCURACY = 0.02
"""Error of log displacements at the tolerance of these runs."""
_Law = Callable[[Sequence[float]], Sequence[float]]


def check_controls(effort: Effort) -> tuple[Finding, ...]:
    """Every control, each beside the right law, kernel or network through the same code."""
    return (*_law_controls(effort), *kernel_controls(effort), *outside_controls(effort))


def wrong_sign_law(scales: Sequence[float]) -> tuple[float, ...]:
    """The displacement law with the sign of rho flipped, for equal speeds.

    Scales are shifted by one amount until their sum is -rho; differences between layers, hence all
    relative speeds up to a common factor, stay as they are.

    Example:
        >>> wrong_sign_law((0.25, 0.25)), displacement_exponents((-0.25, -0.25))
        ((0.25, 0.25), (0.25, 0.25))
    """
    shift = 2 * sum(scales) / len(scales)
    return displacement_exponents([scale - shift for scale in scales])


def _law_controls(effort: Effort) -> Iterator[Finding]:
    """The measured exponents of a lazy and of a condensed network against the law and its opposite."""
    widths, seeds = _WIDTHS[effort], _SEEDS[effort]
    measured = _measured(widths, seeds)
    for name, scales in _SCHEMES.items():
        basis = (
            f"{len(widths) * seeds} runs, two-layer ReLU, scale exponents {joined(scales)}, widths "
            f"{joined(widths)}, {seeds} seeds, four-points, flow to 1e-4 of the initial loss; layer 1"
        )
        found = measured[name]
        yield _against(
            f"{name}-right-sign",
            "the displacement law",
            displacement_exponents,
            scales,
            found,
            "agrees",
            basis,
        )
        yield _against(
            f"{name}-wrong-sign",
            "the law with the sign of rho flipped",
            wrong_sign_law,
            scales,
            found,
            "disagrees",
            basis,
        )


def _against(
    name: str,
    words: str,
    law: _Law,
    scales: Sequence[float],
    found: ExponentEstimate,
    expected: Verdict,
    basis: str,
) -> Finding:
    predicted = float(law(scales)[0])
    return Finding(
        name=name,
        claim=f"{words}: exponent {predicted:g}",
        prediction=predicted,
        measured=found.estimate,
        verdict=found.estimate.agreement(predicted, accuracy=SLOPE_ACCURACY),
        basis=basis,
        expected=expected,
        note=found.note,
    )


def _measured(widths: Sequence[int], seeds: int) -> dict[str, ExponentEstimate]:
    design = SweepDesign(
        name="controls",
        axes={
            "scale_exponents": list(_SCHEMES.values()),
            "width": widths,
            "seed": list(range(seeds)),
        },
        fixed={"depth": 1, "data": "four-points", "tolerance": 0.2},
        record=CURVE_AND_KERNEL,
    )
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(design, Path(folder) / "store")
        runs = open_store(Path(folder) / "store").load()
    moved = runs["displacement_operator"].sel(layer=1).transpose(..., "width", "seed").values
    return {
        name: estimate_exponent(widths, values, accuracy=_ACCURACY)
        for name, values in zip(_SCHEMES, moved, strict=True)
    }


def _registered() -> Iterator[Row]:
    rule = Rule.number(accuracy=SLOPE_ACCURACY)
    for name, scales in _SCHEMES.items():
        design = {
            "data": "four-points",
            "depth": 1,
            "scale_exponents": scales,
            "layer": 1,
            "widths": _WIDTHS["full"],
            "seeds": _SEEDS["full"],
            "estimator": "exponent",
            "accuracy": _ACCURACY,
        }
        right, wrong = float(displacement_exponents(scales)[0]), float(wrong_sign_law(scales)[0])
        yield Row(f"{name}-right-sign", right, rule, design)
        yield Row(f"{name}-wrong-sign", wrong, rule, design, "disagrees")
    yield from kernel_rows()
    yield from outside_rows()


CONTROLS = Claim(
    name="controls",
    source="what a working instrument must refuse",
    statement=(
        "A law with a wrong sign and a kernel with a wrong weight are refuted, a network outside the "
        "assumptions of the theorem is called so; the right ones beside them agree."
    ),
    check=check_controls,
    rows=tuple(_registered()),
    section="controls",
)
