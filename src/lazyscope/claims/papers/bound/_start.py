"""How far below its limit does the smallest eigenvalue of a drawn kernel lie, without any training?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import HALF_STEP
from lazyscope.data import load_dataset
from lazyscope.flow import one_lapack_thread
from lazyscope.kernel import normalised_limit_kernels
from lazyscope.measure import estimate_exponent, mean_estimate
from lazyscope.model import Dense
from lazyscope.scaling import Scheme
from lazyscope.study import LowestMode, normalised_kernels

POINTS, DEPTH = 32, 2
WIDTHS = {"quick": (256, 512, 1024), "full": (128, 256, 512, 1024, 2048)}
SHALLOW = {"quick": (512, 1024, 2048), "full": (512, 1024, 2048, 4096, 8192)}
"""Widths with one hidden layer, where the first order has mean zero exactly and networks cost little."""
DRAWS = {2: {"quick": 4, "full": 24}, 1: {"quick": 4, "full": 8}}
"""Sets of points by depth, each with networks of its own."""
FIRST_DRAW = {2: {"quick": 0, "full": 8}, 1: {"quick": 0, "full": 0}}
"""Two layers have draws that were not looked at with eight of them."""
NETWORKS = {"quick": 8, "full": 32}
_OTHERS = {2: 1, 1: 8}  # networks of the prediction for one of the measurement, by depth
_SUFFIX = {DEPTH: "", 1: "-one-layer"}
_SEEDS_APART = 10_000  # networks of the prediction are others than those of the measurement
_HALF_WIDTHS = {2: (0.139, 0.111)}
"""Of exponent and constant: those that eight draws met, with three times as many and Student's reach."""
_MET = (
    "intervals of 0.275 and 0.22 to each side that 8 draws of 32 networks met, scaled to 24 draws"
)
_EXPONENT = Rule.number(resolution=HALF_STEP)
"""Tells the second order, m^-1, from the first, m^-1/2."""
_CONSTANT = Rule.number(resolution=0.25, accuracy=0.05)

Shares = Float[np.ndarray, "widths draws networks 3"]
"""Ratio, first and second order of every network, in units of the limit's smallest eigenvalue."""


def drawn_shares(effort: Effort, *, depth: int = DEPTH) -> tuple[Shares, np.ndarray]:
    """Kernels at the start on drawn points, and the predicted c of every set of points.

    The prediction comes from the fluctuations of other networks, at the second largest width, or the
    smallest with one hidden layer, where m E <v_1, dK v_j>^2 is the same at every width.

    Args:
        effort: how many widths, sets of points and networks.
        depth: hidden layers, one or two; all layers weigh the same.
    """
    widths = (WIDTHS if depth == DEPTH else SHALLOW)[effort]
    draws, networks = DRAWS[depth][effort], NETWORKS[effort]
    predicting = widths[-2] if depth == DEPTH else widths[0]
    num_others = _OTHERS[depth] * networks
    shares, predicted = np.empty((len(widths), draws, networks, 3)), np.empty(draws)
    with one_lapack_thread():
        for place_of_draw in range(draws):
            draw = FIRST_DRAW[depth][effort] + place_of_draw
            x = load_dataset(
                "digits", num_points=POINTS, num_test=0, target="parity", seed=draw
            ).x_train
            limits = np.asarray(normalised_limit_kernels(x, depth=depth, activation="relu"))
            mode = LowestMode(limits.sum(axis=0))

            def share(width: int, seed: int, x: Any = x, mode: LowestMode = mode) -> np.ndarray:
                network, ones = Dense(x.shape[1], 1, width, depth), np.ones(depth + 1)
                scheme = Scheme.at_width(width, alpha=ones)
                return np.array(
                    mode.share(normalised_kernels(network, x, scheme, seed).sum(axis=0))
                )

            for place, width in enumerate(widths):
                for network in range(networks):
                    shares[place, place_of_draw, network] = share(width, draw * networks + network)
            first = _SEEDS_APART + draw * num_others
            others = [share(predicting, first + each) for each in range(num_others)]
            predicted[place_of_draw] = predicting * np.mean([other[2] for other in others])
    return shares, predicted


def start_findings(
    shares: Shares,
    predicted: Float[np.ndarray, " draws"],
    widths: Sequence[int],
    *,
    depth: int = DEPTH,
) -> Iterator[Finding]:
    """1 - c/m: the power and the constant.

    What is missing to one, freed of the first order, whose mean is zero, is divided by the c that was
    predicted for its points.
    """
    ratio, linear = shares[..., 0], shares[..., 1]
    missing = (1.0 - (ratio - linear).mean(axis=-1)) / predicted
    found = estimate_exponent(np.array(widths), np.maximum(missing, 1e-12))
    raw = ", ".join(
        f"{mean:.3f} at {m}" for m, mean in zip(widths, ratio.mean((1, 2)), strict=True)
    )
    first = np.abs(np.array(widths) * linear.mean((1, 2)))[0]
    basis = (
        f"digits, n = {POINTS}, {shares.shape[1]} draws of points, {shares.shape[2]} networks each, depth "
        f"{depth}, ReLU, equal scales, widths {widths[0]} to {widths[-1]}, nothing trained"
    )
    yield Finding(
        name=f"start-exponent{_SUFFIX[depth]}",
        claim="1 - lambda_min(K(0)) / limit ~ m^-1",
        prediction=-1.0,
        measured=found.estimate,
        verdict=_EXPONENT.judge(found.estimate, -1.0) or "undecided",
        basis=basis,
        note=f"Mean of lambda_min(K(0)) over its limit: {raw}. {found.note}".strip(),
        details={"ratio": ratio.mean((1, 2)).tolist(), "missing": missing.tolist()},
    )
    constant = mean_estimate(widths[-1] * missing[-1])
    yield Finding(
        name=f"start-constant{_SUFFIX[depth]}",
        claim="m (1 - lambda_min(K(0)) / limit) is the c of the second order",
        prediction=1.0,
        measured=constant,
        verdict=_CONSTANT.judge(constant, 1.0) or "undecided",
        basis=f"{basis}; measured at {widths[-1]} over predicted from other networks",
        note=(
            f"Predicted c of the draws: {predicted.min():.0f} to {predicted.max():.0f}; the first order "
            f"times m is {first:.1f} in the mean, at {widths[0]}."
        ),
        details={"predicted": predicted.tolist()},
    )


def start_rows() -> Iterator[Row]:
    """What `start_findings` claims."""
    pilot = "a pilot on the points of seed 0, one and two hidden layers, 60 to 400 networks a width"
    for depth, widths in ((DEPTH, WIDTHS), (1, SHALLOW)):
        design: Mapping[str, Any] = {
            "data": "digits",
            "num_points": POINTS,
            "target": "parity",
            "data_seeds": DRAWS[depth]["full"],
            "first_data_seed": FIRST_DRAW[depth]["full"] or None,
            "depth": depth,
            "activation": "relu",
            "weights": "equal",
            "widths": widths["full"],
            "networks": NETWORKS["full"],
            "first order": "taken off",
        }
        half = _HALF_WIDTHS.get(depth, (0.15, 0.12))
        source = _MET if depth in _HALF_WIDTHS else pilot
        noise = {"model": "interval", "half_width": half[0], "source": source}
        yield Row(f"start-exponent{_SUFFIX[depth]}", -1.0, _EXPONENT, design, noise=noise)
        noise = {"model": "interval", "half_width": half[1], "source": source, "away": 0.7}
        yield Row(f"start-constant{_SUFFIX[depth]}", 1.0, _CONSTANT, design, noise=noise)
