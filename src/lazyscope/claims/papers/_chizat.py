"""Does scaling a centred network's output by alpha make any network lazy, with displacement ~ 1/alpha?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._jax import own_settings, pinned_random, random_key
from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims._one_run import MAX_STEPS, moved_and_changed, one_run
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.data import Dataset, load_dataset
from lazyscope.experiment import RunRecord, function_experiment, run_experiment
from lazyscope.flow import ExponentialFlow, one_lapack_thread
from lazyscope.measure import fit_power_law
from lazyscope.scaling import Scheme, named_scheme

_ALPHAS = (32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
_SMALL_ALPHAS = (0.25, 1.0)
_TOLERANCE = 0.02
_STOP = 1e-4
_SCALE_ACCURACY = 0.02
"""What is left of the first correction to the limit, 1/alpha at the smallest alpha fitted, in a slope."""

Run = Callable[[Dataset, float, int, float], RunRecord]
"""Of a network on data, at an alpha, from a seed, to a fraction of the loss."""


def check_chizat(effort: Effort) -> tuple[Finding, ...]:
    """Displacement against alpha at fixed width, for three networks on digits."""
    return check_chizat_on(effort, "digits")


def check_chizat_on(effort: Effort, data: str) -> tuple[Finding, ...]:
    """The same on other data."""
    quick = effort == "quick"
    points = load_dataset(data, num_points=_POINTS[effort], num_test=0, target="parity")
    alphas, seeds = (_ALPHAS[::2] if quick else _ALPHAS), _SEEDS[effort]
    kinds = ("dense-relu", "dense-tanh") if quick else tuple(_NETWORKS)
    found = []
    with one_lapack_thread():
        for kind in kinds:
            words, run, unit = _NETWORKS[kind]
            scales = [unit * alpha for alpha in alphas]
            found.append(_finding(kind, words, run, points, scales, seeds))
    return tuple(found)


def _finding(
    kind: str, words: str, run: Run, data: Dataset, alphas: Sequence[float], seeds: int
) -> Finding:
    everything = [*_SMALL_ALPHAS, *alphas]
    largest = {
        (alpha, seed): float(np.max(moved_and_changed(run(data, alpha, seed, _STOP))[0]))
        for alpha in everything
        for seed in range(seeds)
    }
    fitted = [(alpha, seed) for alpha in alphas for seed in range(seeds)]
    fit = fit_power_law(
        [alpha for alpha, _ in fitted],
        [largest[key] for key in fitted],
        groups=[seed for _, seed in fitted],
        intercepts="per-group",
    )
    failed = sum(not np.isfinite(value) for value in largest.values())
    means = {
        f"{alpha:g}": float(np.nanmean([largest[alpha, seed] for seed in range(seeds)]))
        for alpha in everything
    }
    return Finding(
        name=f"chizat-{kind}",
        claim="largest relative displacement ~ alpha^-1",
        prediction=-1.0,
        measured=fit.estimate,
        verdict=fit.estimate.agreement(-1.0, accuracy=_SCALE_ACCURACY),
        basis=(
            f"{words}, {data.name}, n = {len(data.x_train)}, parity, centred, alpha from "
            f"{alphas[0]:g} to {alphas[-1]:g}, {seeds} seeds, {len(fitted)} runs to {_STOP:g} of the loss"
        ),
        note=(
            f"Frobenius norm, the group that moves most. At alpha {everything[0]:g} it moves by "
            f"{means[f'{everything[0]:g}']:.2g}, at {alphas[-1]:g} by {means[f'{alphas[-1]:g}']:.2g}. "
            f"{fit.note}".strip()
        ),
        details={"displacement": means, "bend": fit.bend, "failed": failed},
    )


def _dense(activation: str, *, bias: bool) -> Run:
    """A dense network of width 64 with kappa of order one, output scaled by alpha."""

    def run(data: Dataset, alpha: float, seed: int, stop: float) -> RunRecord:
        told = {"width": 64, "depth": 2, "activation": activation, "use_bias": bias, "seed": seed}
        told |= {"centred": True, "output_scale": alpha, "stop": stop, "tolerance": _TOLERANCE}
        scheme = named_scheme("mup", depth=2)
        speed = scheme.speed(64) / alpha**2
        return one_run(told, data, Scheme.at_width(64, alpha=scheme.alpha(64), speed=speed))

    return run


@final
class _ScaledConvolution:
    """A convolution with tanh, mean over places and a readout, all with biases, times alpha.

    alpha is the last column of the points, so that one program serves every alpha.
    """

    num_channels, size = 16, 3
    groups: ClassVar = {"convolution": ("filters", "offset"), "readout": ("readout", "shift")}

    def params(self, seed: int) -> dict[str, Any]:
        with pinned_random():
            first, second = jax.random.split(random_key(seed))
            shape = (self.num_channels, 1, self.size, self.size)
            return {
                "filters": jax.random.normal(first, shape, jnp.float64),
                "offset": jnp.zeros(self.num_channels, jnp.float64),
                "readout": jax.random.normal(second, (self.num_channels, 1), jnp.float64) / 4.0,
                "shift": jnp.zeros(1, jnp.float64),
            }

    def __call__(self, params: dict[str, Any], x: jax.Array) -> jax.Array:
        side = round((x.shape[1] - 1) ** 0.5)
        image = x[:, :-1].reshape(-1, 1, side, side)
        conv = jax.lax.conv_general_dilated(image, params["filters"], (1, 1), "VALID")
        hidden = jnp.tanh(conv + params["offset"][:, None, None]).mean(axis=(2, 3))
        return x[:, -1:] * (hidden @ params["readout"] + params["shift"])


_SCALED_CONVOLUTION = _ScaledConvolution()
"""One object for all runs: another one would be another function, and another program."""


def _convolution(data: Dataset, alpha: float, seed: int, stop: float) -> RunRecord:
    network = _SCALED_CONVOLUTION
    scale = np.full((len(data.x_train), 1), alpha)
    with own_settings():
        given = function_experiment(
            network,
            network.params(seed),
            (np.concatenate([data.x_train, scale], axis=1), data.y_train),
            groups={name: group for group, names in network.groups.items() for name in names},
            speeds=jnp.full(2, alpha**-2.0),
            centred=True,
        )
    ends = {"stop": stop, "max_steps": MAX_STEPS, "record": ("displacement", "kernel")}
    return run_experiment(given, ExponentialFlow(_TOLERANCE), **ends)


_NETWORKS: dict[str, tuple[str, Run, float]] = {
    "dense-relu": ("dense ReLU, width 64, depth 2, muP scales", _dense("relu", bias=False), 1.0),
    "dense-tanh": (
        "dense tanh with biases, width 64, depth 2, muP scales",
        _dense("tanh", bias=True),
        1.0,
    ),
    "convolution": (
        "convolution with tanh, mean pooling and biases, 16 channels",
        _convolution,
        32.0,
    ),
}
"""Words, run, and the unit of alpha: what is lazy depends on the kernel, and that of the mean over
places of small activations is a thousand times smaller."""
_POINTS, _SEEDS = {"quick": 16, "full": 32}, {"quick": 3, "full": 5}


def _registered() -> Iterator[Row]:
    for kind, (words, _, unit) in _NETWORKS.items():
        design = {
            "network": words,
            "data": "digits",
            "num_points": _POINTS["full"],
            "target": "parity",
            "alphas": [unit * alpha for alpha in _ALPHAS],
            "seeds": _SEEDS["full"],
            "stop": _STOP,
            "estimator": "power law, an intercept for each seed",
            "quantity": "largest relative displacement, Frobenius",
        }
        yield Row(f"chizat-{kind}", -1.0, Rule.number(accuracy=_SCALE_ACCURACY), design)


CHIZAT = Claim(
    name="chizat",
    source="Chizat, Oyallon & Bach 2019 (arXiv 1812.07956)",
    statement=(
        "Scaling the centred output of any network by alpha, and the loss by 1/alpha^2, makes it "
        "lazy: the relative displacement falls like 1/alpha, at a fixed width."
    ),
    check=check_chizat,
    check_on=check_chizat_on,
    rows=tuple(_registered()),
)
