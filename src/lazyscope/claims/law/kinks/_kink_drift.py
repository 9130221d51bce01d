"""Does the kernel of a lazy ReLU network drift by 1/kappa, apart from its noise?

A unit whose pre-activation at a point is closer to zero than it moves there changes side: a share 1/kappa of
all. The point's own push reaches it only while it is on, so that more leave than come. With one point none
comes, and to the first order in 1/kappa, both layers of one relative speed and s of the initial loss left,

    E (K(T) - K(0)) / K(0)    = -(1 - sqrt(s)) |y| / (pi kappa)
    Var (K(T) - K(0)) / K(0)  = 4 (1 - sqrt(s)) |y| / (pi kappa m)

since a unit leaves by the density 1 / sqrt(2 pi) at zero times |a| |y|, carries a^2 of the kernel, and a is
normal.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._jax import own_settings, random_key
from lazyscope._outcome import Outcome
from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._seed import new_seed
from lazyscope.data import sphere_teacher
from lazyscope.flow import ExponentialFlow, Problem, one_lapack_thread, trace_flow
from lazyscope.kernel import LayerwiseKernel
from lazyscope.measure import Estimate, mean_estimate
from lazyscope.model import Dense

STOP = 1e-2
_TOLERANCE, _MAX_STEPS = 0.05, 2000
_TARGET = 1.0
_LARGEST_SEED = 10**6
ONE = {"kappa": 300.0, "width": 32768, "seeds": 512, "blocks": 16, "dim": 3}
MANY = {"kappas": (96.0, 192.0, 384.0), "width": 8192, "seeds": 64, "sets": 4}
WIDE = {"kappa": 32.0, "widths": (1024, 4096, 16384), "seeds": (128, 64, 32), "sets": 4}
_POINTS, _DIM = 8, 4
_QUICK = 8
"""A quick check trains an eighth of the networks of one point."""
_LEFT = (1 - STOP**0.5) / np.pi
_ROWS: dict[str, tuple[float, Rule]] = {
    "one-point-drift": (-_LEFT, Rule.number(resolution=0.04, accuracy=0.01)),
    "one-point-noise": (4 * _LEFT, Rule.number(resolution=0.4, accuracy=0.08)),
    "drift-kappa": (-1.0, Rule.number(resolution=0.25, accuracy=0.05)),
    "drift-width": (0.0, Rule.number(resolution=0.2, accuracy=0.03)),
}
"""Beside the interval: what the next order in 1/kappa leaves at these kappas."""
Kernels = Float[np.ndarray, "network n n"]


def check_kink_drift(effort: Effort, seed: int | None = None) -> tuple[Finding, ...]:
    """Networks on one point, on several over kappa, and over the width at one kappa.

    Args:
        effort: ``quick`` takes one point, and an eighth of its networks.
        seed: from which points and networks are drawn; a new one unless given.
    """
    seed = new_seed() if seed is None else seed
    few = _QUICK if effort == "quick" else 1
    found = [*one_point_findings(seed, networks=ONE["seeds"] // few)]
    return tuple(found) if effort == "quick" else (*found, *many_point_findings(seed))


def one_point_findings(seed: int, *, networks: int = ONE["seeds"]) -> Iterator[Finding]:
    """Mean and variance of the relative change, in units of |y| / kappa and |y| / (kappa m)."""
    kappa, width, blocks = ONE["kappa"], ONE["width"], ONE["blocks"]
    x = np.eye(1, ONE["dim"])
    before, after = trained_kernels(
        x, np.full((1, 1), _TARGET), kappa, width, _seeds(seed, 0, networks)
    )
    change = ((after - before) / before).reshape(blocks, -1)
    values = {
        "one-point-drift": kappa * change.mean(axis=1),
        "one-point-noise": kappa * width * change.var(axis=1, ddof=1),
    }
    claims = {
        "one-point-drift": f"one point: kappa E(K(T) - K(0)) / K(0) / |y| = -{_LEFT:.4f}, units that leave",
        "one-point-noise": f"one point: kappa m Var((K(T) - K(0)) / K(0)) / |y| = {4 * _LEFT:.4f}",
    }
    basis = (
        f"one hidden layer of {width} ReLU units, kappa {kappa:g}, {networks} networks drawn with {seed} in "
        f"{blocks} groups, centred, flow to {STOP:g} of the initial loss"
    )
    for name, each in values.items():
        yield _finding(name, claims[name], each, basis)


def many_point_findings(seed: int) -> Iterator[Finding]:
    """Powers of kappa and of the width, of the mean over networks with its noise taken off."""
    kappas, rng = MANY["kappas"], np.random.default_rng([seed, 1])
    sets = rng.integers(_LARGEST_SEED, size=MANY["sets"]).tolist()
    over_kappa = np.array(
        [
            [
                drift(draw, kappa, MANY["width"], _seeds(seed, draw, MANY["seeds"]))
                for kappa in kappas
            ]
            for draw in sets
        ]
    )
    drawn = f"{_POINTS} points of {len(sets)} small teachers on the sphere, drawn with {seed}"
    words = "ReLU: the kernel's mean change, noise taken off, is like"
    yield _finding(
        "drift-kappa",
        f"{words} kappa^-1 at one width (to second order alone: kappa^-2)",
        _slopes(kappas, over_kappa),
        f"{drawn}, {MANY['width']} units, kappa {', '.join(f'{k:g}' for k in kappas)}, {MANY['seeds']} "
        f"networks each, centred, flow to {STOP:g}",
        f"Drift times kappa: {_means(over_kappa * np.array(kappas))}.",
    )
    widths, kappa = WIDE["widths"], WIDE["kappa"]
    over_width = np.array(
        [
            [
                drift(draw, kappa, width, _seeds(seed, draw, many))
                for width, many in zip(widths, WIDE["seeds"], strict=True)
            ]
            for draw in sets
        ]
    )
    yield _finding(
        "drift-width",
        f"{words} m^0 at one kappa (noise: m^-1/2)",
        _slopes(widths, over_width),
        f"{drawn}, kappa {kappa:g}, widths {', '.join(map(str, widths))}, "
        f"{', '.join(map(str, WIDE['seeds']))} networks each, centred, flow to {STOP:g}",
        f"Drift times kappa: {_means(over_width * kappa)}.",
    )


def drift(data_seed: int, kappa: float, width: int, seeds: Float[np.ndarray, " networks"]) -> float:
    """Size of the mean of K(T) - K(0) over networks, over that of the mean of K(0).

    The square of a mean over S networks holds a share 1/S of their variance, which is taken off; NaN where
    nothing is left.
    """
    data = sphere_teacher(num_points=_POINTS, input_dim=_DIM, seed=data_seed)
    before, after = trained_kernels(data.x_train, data.y_train, kappa, width, seeds)
    return unbiased_size(after - before) / float(np.linalg.norm(before.mean(axis=0)))


def unbiased_size(changes: Kernels) -> float:
    """Norm of the mean of several draws, free of what their scatter adds to its square.

    Example:
        >>> round(unbiased_size(np.array([[[3.0]], [[5.0]]])), 6)  # 4^2 - 2 / 2
        3.872983
    """
    noise = changes.var(axis=0, ddof=1).sum() / len(changes)
    square = float((changes.mean(axis=0) ** 2).sum() - noise)
    return square**0.5 if square > 0 else float("nan")


def trained_kernels(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n 1"],
    kappa: float,
    width: int,
    seeds: Float[np.ndarray, " networks"],
) -> tuple[Kernels, Kernels]:
    """Kernels before and after training of centred networks whose layers have one relative speed.

    Pre-activations start at order one: scales are sqrt(m) and kappa / sqrt(m), speeds their squares.

    Raises:
        RuntimeError: a network did not come down.
    """
    with own_settings(), one_lapack_thread():
        given = (jnp.asarray(each) for each in (x, y, seeds))
        before, after, outcome = _trained(*given, jnp.asarray(kappa), width)
    if (np.asarray(outcome) != Outcome.CONVERGED.value).any():
        raise RuntimeError(f"a network of {width} units at kappa {kappa:g} did not converge")
    return np.asarray(before), np.asarray(after)


@functools.partial(jax.jit, static_argnums=4)
def _trained(
    x: Array, y: Array, seeds: Array, kappa: Array, width: int
) -> tuple[Array, Array, Array]:
    network = Dense(x.shape[1], 1, width, 1, "relu")
    kernel = LayerwiseKernel(network)
    alpha = jnp.stack([jnp.sqrt(1.0 * width), kappa / jnp.sqrt(1.0 * width)])
    method = ExponentialFlow(tolerance=_TOLERANCE)

    def one(seed: Array) -> tuple[Array, Array, Array]:
        params = network.init_from_std(random_key(seed), alpha / jnp.sqrt(1.0 * width))
        problem = Problem(network, kernel, params, x, y, alpha**2, start_share=0.0)
        run = trace_flow(problem, method, STOP, jnp.inf, max_steps=_MAX_STEPS, num_records=4)
        before, after = (
            kernel.expand(each, x).mean_kernel(alpha**2) for each in (params, run.params)
        )
        return before, after, run.outcome_code

    return jax.lax.map(one, seeds)


def _seeds(seed: int, place: int, many: int) -> Float[np.ndarray, " networks"]:
    return np.random.default_rng([seed, 2, place]).integers(_LARGEST_SEED, size=many)


def _slopes(at: tuple[float, ...], values: Float[np.ndarray, "sets places"]) -> np.ndarray:
    x = np.log(at) - np.mean(np.log(at))
    return np.log(values) @ x / (x @ x)


def _means(values: Float[np.ndarray, "sets places"]) -> str:
    return ", ".join(f"{mean:.3f}" for mean in np.nanmean(values, axis=0))


def _finding(name: str, claim: str, values: np.ndarray, basis: str, note: str = "") -> Finding:
    prediction, rule = _ROWS[name]
    known = np.isfinite(values).all()
    found = mean_estimate(values) if known else Estimate(None)
    verdict = rule.judge(found, prediction) or "undecided"
    note = note if known else f"{note} No drift beside the noise in some sets."
    return Finding(name, claim, prediction, found, verdict, basis, note=note)


def _registered() -> Iterator[Row]:
    common = {
        "activation": "relu",
        "depth": 1,
        "stop": STOP,
        "tolerance": _TOLERANCE,
        "centred": True,
    }
    designs: Mapping[str, dict[str, Any]] = {
        "one-point-drift": {
            **ONE,
            "target": _TARGET,
            "networks": ONE["seeds"],
            "seeds": ONE["blocks"],
        },
        "one-point-noise": {
            **ONE,
            "target": _TARGET,
            "networks": ONE["seeds"],
            "seeds": ONE["blocks"],
        },
        "drift-kappa": {**MANY, "networks": MANY["seeds"], "seeds": MANY["sets"]},
        "drift-width": {**WIDE, "networks": WIDE["seeds"], "seeds": WIDE["sets"]},
    }
    for name, (prediction, rule) in _ROWS.items():
        points = {} if name.startswith("one") else {"num_points": _POINTS, "input_dim": _DIM}
        design = common | points | designs[name] | {"draw_seed": "drawn at the first run"}
        noise = {
            "model": "mean",
            "sd": _PILOT[name],
            "source": "a pilot on draws of their own (9001), at kappa 100 and 16 to 128",
        }
        yield Row(name, prediction, rule, design, noise=noise)


_PILOT = {
    "one-point-drift": 0.02,
    "one-point-noise": 0.32,
    "drift-kappa": 0.08,
    "drift-width": 0.05,
}
"""Scatter over groups of networks and over sets of points."""

KINK_DRIFT = Claim(
    name="kink-drift",
    source="derived in docs/theory.md, How much the kernel changes",
    statement=(
        "Units of a lazy ReLU network leave points more often than they come to them: apart from its noise "
        "the kernel drifts by 1/kappa, whatever the width, and with one point by a number that is known. "
        "Points and networks are drawn when the claim is first checked."
    ),
    check=check_kink_drift,
    check_drawn=check_kink_drift,
    rows=tuple(_registered()),
)
