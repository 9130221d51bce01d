"""How far below its limit does the smallest eigenvalue of a drawn kernel lie, without any training?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

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
DRAWS = {"quick": 4, "full": 24}


@final
@dataclass(frozen=True)
class Start:
    """Kernels at the start: which points, which networks, and which other ones predict their c.

    Attributes:
        points: of every draw.
        depth: hidden layers, one or two; all layers weigh the same.
        widths: of the networks, two or more.
        draws: sets of points, each with networks of its own.
        first_draw: seed of the first of them.
        networks: at every width.
        predicting: width of the networks of the prediction, where m E <v_1, dK v_j>^2 is that of all widths.
        others: how many these are.
    """

    points: int
    depth: int
    widths: tuple[int, ...]
    draws: int
    first_draw: int
    networks: int
    predicting: int
    others: int


CONSTANT = {  # two layers have draws that were not looked at with eight of them
    "quick": Start(POINTS, DEPTH, WIDTHS["quick"], DRAWS["quick"], 0, 8, 512, 8),
    "full": Start(POINTS, DEPTH, WIDTHS["full"], DRAWS["full"], 8, 32, 1024, 32),
}
EXPONENT = {
    "quick": Start(12, DEPTH, (256, 512, 1024), 4, 0, 8, 256, 16),
    "full": Start(12, DEPTH, (256, 512, 1024, 2048, 4096), 24, 40, 12, 256, 32),
}
"""Fewer points have a smaller c, so that the third order is small at all widths."""
SHALLOW = {
    "quick": Start(POINTS, 1, (512, 1024, 2048), 4, 0, 8, 512, 64),
    "full": Start(POINTS, 1, (512, 1024, 2048, 4096, 8192), 8, 0, 32, 512, 256),
}
"""With one hidden layer the first order has mean zero exactly and networks cost little."""
_SUFFIX = {DEPTH: "", 1: "-one-layer"}
_SEEDS_APART = 10_000  # networks of the prediction are others than those of the measurement
_EXPONENT = Rule.number(resolution=HALF_STEP)
"""Tells the second order, m^-1, from the first, m^-1/2."""
_CONSTANT = Rule.number(resolution=0.25, accuracy=0.05)

Shares = Float[np.ndarray, "widths draws networks 3"]
"""Ratio, first and second order of every network, in units of the limit's smallest eigenvalue."""


def drawn_shares(start: Start) -> tuple[Shares, np.ndarray]:
    """Kernels at the start on drawn points, and the predicted c of every set of points.

    The prediction comes from the fluctuations of other networks.
    """
    widths, networks = start.widths, start.networks
    shares = np.empty((len(widths), start.draws, networks, 3))
    predicted = np.empty(start.draws)
    with one_lapack_thread():
        for place_of_draw in range(start.draws):
            draw = start.first_draw + place_of_draw
            x = load_dataset(
                "digits", num_points=start.points, num_test=0, target="parity", seed=draw
            ).x_train
            limits = np.asarray(normalised_limit_kernels(x, depth=start.depth, activation="relu"))
            mode = LowestMode(limits.sum(axis=0))

            def share(width: int, seed: int, x: Any = x, mode: LowestMode = mode) -> np.ndarray:
                depth = start.depth
                network, ones = Dense(x.shape[1], 1, width, depth), np.ones(depth + 1)
                scheme = Scheme.at_width(width, alpha=ones)
                return np.array(
                    mode.share(normalised_kernels(network, x, scheme, seed).sum(axis=0))
                )

            for place, width in enumerate(widths):
                for network in range(networks):
                    shares[place, place_of_draw, network] = share(width, draw * networks + network)
            first = _SEEDS_APART + draw * start.others
            others = [share(start.predicting, first + each) for each in range(start.others)]
            predicted[place_of_draw] = start.predicting * np.mean([one[2] for one in others])
    return shares, predicted


def start_findings(effort: Effort, drawn: tuple[Shares, np.ndarray]) -> Iterator[Finding]:
    """1 - c/m: the power and the constant, with two hidden layers and with one.

    Args:
        effort: how much is drawn.
        drawn: of `CONSTANT`, on whose kernels other rows rest too.
    """
    yield exponent_finding(EXPONENT[effort], *drawn_shares(EXPONENT[effort]))
    yield constant_finding(CONSTANT[effort], *drawn)
    shallow = drawn_shares(SHALLOW[effort])
    yield exponent_finding(SHALLOW[effort], *shallow)
    yield constant_finding(SHALLOW[effort], *shallow)


def exponent_finding(
    start: Start, shares: Shares, predicted: Float[np.ndarray, " draws"]
) -> Finding:
    """The power of 1 - c/m: what is missing to one, in units of the c that was predicted for its points."""
    ratio = shares[..., 0]
    found = estimate_exponent(
        np.array(start.widths), np.maximum(_missing(shares, predicted), 1e-12)
    )
    raw = ", ".join(
        f"{mean:.3f} at {m}" for m, mean in zip(start.widths, ratio.mean((1, 2)), strict=True)
    )
    return Finding(
        name=f"start-exponent{_SUFFIX[start.depth]}",
        claim="1 - lambda_min(K(0)) / limit ~ m^-1",
        prediction=-1.0,
        measured=found.estimate,
        verdict=_EXPONENT.judge(found.estimate, -1.0) or "undecided",
        basis=_basis(start),
        note=f"Mean of lambda_min(K(0)) over its limit: {raw}. {found.note}".strip(),
        details={
            "ratio": ratio.mean((1, 2)).tolist(),
            "missing": _missing(shares, predicted).tolist(),
        },
    )


def constant_finding(
    start: Start, shares: Shares, predicted: Float[np.ndarray, " draws"]
) -> Finding:
    """The constant of 1 - c/m, at the largest width."""
    widths = start.widths
    constant = mean_estimate(widths[-1] * _missing(shares, predicted)[-1])
    first = np.abs(np.array(widths) * shares[..., 1].mean((1, 2)))[0]
    return Finding(
        name=f"start-constant{_SUFFIX[start.depth]}",
        claim="m (1 - lambda_min(K(0)) / limit) is the c of the second order",
        prediction=1.0,
        measured=constant,
        verdict=_CONSTANT.judge(constant, 1.0) or "undecided",
        basis=f"{_basis(start)}; measured at {widths[-1]} over predicted from other networks",
        note=(
            f"Predicted c of the draws: {predicted.min():.0f} to {predicted.max():.0f}; the first order "
            f"times m is {first:.1f} in the mean, at {widths[0]}."
        ),
        details={"predicted": predicted.tolist()},
    )


def _missing(shares: Shares, predicted: Float[np.ndarray, " draws"]) -> np.ndarray:
    """What a draw misses to one, freed of the first order, whose mean is zero, over its predicted c."""
    return (1.0 - (shares[..., 0] - shares[..., 1]).mean(axis=-1)) / predicted


def _basis(start: Start) -> str:
    return (
        f"digits, n = {start.points}, {start.draws} draws of points, {start.networks} networks each, depth "
        f"{start.depth}, ReLU, equal scales, widths {start.widths[0]} to {start.widths[-1]}, nothing trained"
    )


def start_rows() -> Iterator[Row]:
    """What `start_findings` claims."""
    pilot = "a pilot on the points of seed 0, one and two hidden layers, 60 to 400 networks a width"
    met = "intervals of 0.275 and 0.22 to each side that 8 draws of 32 networks met, scaled to 24 draws"
    few = "draws of 0.23 of the logarithm each, as pilots on 16 sets of 8 and 12 points had"
    yield _row("exponent", EXPONENT["full"], {"half_width": 0.133, "source": few})
    yield _row("constant", CONSTANT["full"], {"half_width": 0.111, "source": met, "away": 0.7})
    yield _row("exponent", SHALLOW["full"], {"half_width": 0.15, "source": pilot})
    yield _row("constant", SHALLOW["full"], {"half_width": 0.12, "source": pilot, "away": 0.7})


def _row(what: str, start: Start, noise: Mapping[str, Any]) -> Row:
    predicted, rule = (-1.0, _EXPONENT) if what == "exponent" else (1.0, _CONSTANT)
    design = {
        "data": "digits",
        "num_points": start.points,
        "target": "parity",
        "data_seeds": start.draws,
        "first_data_seed": start.first_draw or None,
        "depth": start.depth,
        "activation": "relu",
        "weights": "equal",
        "widths": start.widths,
        "networks": start.networks,
        "first order": "taken off",
    }
    noise = {"model": "interval", **noise}
    return Row(f"start-{what}{_SUFFIX[start.depth]}", predicted, rule, design, noise=noise)
