"""What will a wide network do, as narrow ones of the same build say?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lazyscope._checks import InputError, check_count
from lazyscope._entry import checked
from lazyscope.observe import Build
from lazyscope.proxy._answer import (
    ArrayAnswer,
    NarrowProxy,
    basis_of,
    estimates_of,
    network_regime_of,
    regime_of,
)
from lazyscope.proxy._extrapolation import Extrapolated, extrapolate
from lazyscope.proxy._family import ProxyFamily
from lazyscope.proxy._kept import KeptRuns
from lazyscope.proxy._plan import transfers_of
from lazyscope.proxy._training import Points, Training, blown_up, check_batches, points_of
from lazyscope.proxy._verify import verify_proxy
from lazyscope.proxy.library._library import library_of
from lazyscope.proxy.library._network import Trained

GRID = 40
"""Intervals between steps at which the loss is predicted."""
ACCURACY = 0.05
"""Two standard errors of a displacement, relative, up to which the number of seeds is not remarked on."""


@checked(own=("data", "build"))
def narrow_proxy(
    build: Build,
    data: Any,
    *,
    width: int,
    proxy_widths: Sequence[int] = (64, 128),
    seeds: int = 8,
    verify: bool = False,
    folder: str | Path | None = None,
    **training: Any,
) -> NarrowProxy:
    """Predict the training of a wide network from narrow ones of the same build, with intervals.

    Networks of every proxy width are drawn by `build`, their arrays are given the sizes of the wide one's,
    and learning rates, epsilon and weight decay, by the rules of `lazyscope.scaling.array_transfer`; they are
    trained on f - f0 + f0 sqrt(m'/M), and what they do is read at 1/M on a line in 1/m'; the loss relative to
    that of the start, which is the wide network's own. The wide network is drawn once per seed, eight
    times at most, and not trained.

    Args:
        build: ``build(width, seed)`` -> (apply, params), (apply, params, groups),
            (apply, params, groups, rates), an Equinox or Flax NNX module, a Flax Linen module as
            (module, variables), or a PyTorch module, alone or as (module, groups, rates), which is copied.
            Its rates are those of the wide network, in units of `rate`. As (module, optimizer), or with a
            function that makes it, a module has its rates, decay and epsilon from its own groups.
        data: a data set, or (x, y) with y of shape (n, C).
        width: M.
        proxy_widths: at least two, at most M; a third tests the order of the extrapolation.
        seeds: networks of every proxy width, at least 3.
        verify: train two wide networks as well and judge the prediction.
        folder: where finished trainings are kept, so that the same call goes on where it was killed.
        **training: fields of `Training`: ``optimizer``, ``rate``, ``steps``, ``loss`` and others.

    Returns:
        A `NarrowProxy`.

    Raises:
        InputError: an array that does not carry over, by name (tied arrays, bottlenecks, sizes that grow in
            steps, starts in another law, gradients at the start of another power of the width); widths in
            another order or below the number of outputs; gradients that are clipped together, weight decay
            inside of Adam; whatever `roles_of` refuses; optimisers that PyTorch does not have.

    Cost: seeds x steps of the narrow networks; of the wide one two gradients, and a draw and its outputs
    per seed, for eight at most.

    Trust: to the order (1/m')^2 in the mean over seeds; intervals are of that mean, from seeds and from the
    order, see ``docs/narrow-proxy.md``. Not for what lives on fluctuations of order M^-1/2 (the change of
    the kernel of a lazy network), nor beyond the edge of stability, nor where gradients of batches are noise.

    Reference: rules in ``docs/equivalence.md``; Yang et al. 2022 (arXiv 2203.03466) for those of muP.

    Example:
        >>> import jax.numpy as jnp, numpy as np
        >>> def build(width, seed):
        ...     rng = np.random.default_rng(seed)
        ...     w, v = rng.normal(size=(2, width)), rng.normal(size=(width, 1)) / width
        ...     return lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (w, v)
        >>> x = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> found = narrow_proxy(build, (x, x[:, :1]), width=512, proxy_widths=(16, 32), steps=4,
        ...                      optimizer="sgd", rate=0.01)
        >>> found.regime
        'critical'
    """
    asked = proxies_of(build, data, width, proxy_widths, seeds, training)
    family, points, widths, seeds, needed = asked
    notes = [*family.check(widths[0], min(seeds, 4)), *_said(widths, needed)]
    kept = KeptRuns(None if folder is None else Path(folder), points, family.training)
    runs = [
        [kept.train(*family.drawn(each, seed), name=f"{each}-{seed}") for seed in range(seeds)]
        for each in widths
    ]
    found = _read(family, widths, runs, family.start_losses(points, seeds))
    answer = _answer(family, widths, runs, found)
    answer = replace(answer, notes=(*notes, *answer.notes))
    if not verify:
        return answer
    return replace(
        answer,
        verification=verify_proxy(answer, (found.loss, found.moved), family.wide_network, kept),
    )


class Proxies(NamedTuple):
    """What is asked for: proxies of a build with their points, and the width that points and outputs need."""

    family: ProxyFamily
    points: Points
    widths: tuple[int, ...]
    seeds: int
    needed: int


def proxies_of(
    build: Build,
    data: Any,
    width: int,
    proxy_widths: Sequence[int],
    seeds: int,
    training: Mapping[str, Any],
) -> Proxies:
    """The proxies that the arguments of a public function ask for, or a refusal."""
    seeds = check_count("seeds", seeds, minimum=3)
    widths = _checked_widths(width, proxy_widths)
    settings = Training(**known_fields(training))
    points = points_of(data, settings.loss)
    check_batches(settings.batches, len(points.y))
    needed = check_outputs(widths, points.y)
    library = library_of(build, points, (widths[0], widths[1]))
    settings = library.own_training(settings, frozenset(training))
    return Proxies(ProxyFamily(library, settings, width), points, widths, seeds, needed)


class Read(NamedTuple):
    """What proxies say, in logarithms.

    Attributes:
        steps: at which the loss is read.
        loss: at these steps.
        moved: operator norm of the change of every array of the wide network.
        curves: loss of every proxy width at these steps, in the mean over seeds.
    """

    steps: tuple[int, ...]
    loss: Extrapolated
    moved: Extrapolated
    curves: np.ndarray


def _read(
    family: ProxyFamily,
    widths: Sequence[int],
    runs: Sequence[Sequence[Trained]],
    starts: np.ndarray,
) -> Read:
    steps = grid_of(family.training.steps)
    losses = [logarithms([run.loss[list(steps)] for run in each]) for each in runs]
    moved = []
    for each, made in zip(widths, runs, strict=True):
        found = transfers_of(
            family.library.roles, family.training.optimizer, family.wide.width, each
        )
        norms = np.array([one.norm for one in found])
        moved.append(logarithms([run.moved / norms for run in made]))
    width = family.wide.width
    curves = np.array([each.mean(0) for each in losses])
    # How far the loss falls is asked of the narrow networks, where it starts of the wide one's draws.
    fallen = extrapolate([each - each[:, :1] for each in losses], widths, width)
    return Read(steps, fallen.shifted(starts), extrapolate(moved, widths, width), curves)


def grid_of(steps: int) -> tuple[int, ...]:
    """Numbers of steps at which the loss is read, from the start to the end."""
    return tuple(int(k) for k in np.unique(np.linspace(0, steps, GRID + 1).round()))


def logarithms(values: Any) -> np.ndarray:
    """Logarithms of numbers that are not negative; NaN where one is not finite."""
    values = np.asarray(values, float)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(values), np.log(np.maximum(values, 1e-300)), np.nan)


def _answer(
    family: ProxyFamily, widths: Sequence[int], runs: Sequence[Sequence[Trained]], found: Read
) -> NarrowProxy:
    seeds = len(runs[0])
    basis = basis_of(seeds, widths, family.wide.width)
    arrays = _arrays(family, found, basis)
    tests = [each.order_holds for each in (found.loss, found.moved) if each.order_holds is not None]
    holds = float(np.mean(np.concatenate(tests))) if tests else None
    check = family.start_check
    return NarrowProxy(
        width=family.wide.width,
        proxy_widths=tuple(widths),
        seeds=seeds,
        training=family.training.described() | {"batches": family.training.batches is not None},
        steps=found.steps,
        loss=tuple(estimates_of(found.loss, basis)),
        proxy_loss=tuple(tuple(float(v) for v in np.exp(curve)) for curve in found.curves),
        arrays=arrays,
        regime=network_regime_of(arrays),
        order_holds=holds,
        seconds=sum(run.seconds for each in runs for run in each),
        wide_seconds=min(each.seconds for each in family.wide_start) * family.training.steps,
        start_errors={
            each.name: off for each, off in zip(family.library.roles, check.gradient, strict=True)
        },
        notes=(
            *(() if holds is None or holds > 0.5 else (_ORDER,)),
            *_noisy(found.moved, seeds),
            *_diverged(widths, runs),
        ),
    )


def _diverged(widths: Sequence[int], runs: Sequence[Sequence[Trained]]) -> list[str]:
    lost = [sum(blown_up(run.loss) for run in each) for each in runs]
    told = ", ".join(
        f"{k} of {len(runs[0])} at width {m}" for k, m in zip(lost, widths, strict=True)
    )
    rate = "the edge of stability, where proxies and the wide network part by chance"
    return [f"Trainings that diverged: {told}. Rates are at {rate}."] if any(lost) else []


def _noisy(moved: Extrapolated, seeds: int) -> list[str]:
    """How many seeds would bring displacements to `ACCURACY`, where these do not."""
    errors = moved.standard_error[np.isfinite(moved.standard_error)]
    worst = float(errors.max(initial=0.0))
    if 2 * worst <= ACCURACY:
        return []
    needed = math.ceil(seeds * (2 * worst / ACCURACY) ** 2)
    told = (
        f"Seeds alone leave displacements open by up to {2 * worst:.1%} (two standard errors); "
        f"{needed} seeds would bring that to {ACCURACY:.0%}."
    )
    return [told]


_ORDER = (
    "The narrowest width lies off the line of the others for most numbers: intervals are wider for it, and "
    "wider proxies would narrow them."
)


def _arrays(family: ProxyFamily, found: Read, basis: str) -> tuple[ArrayAnswer, ...]:
    roles, wide = family.library.roles, family.wide
    starts = wide.norms
    relative = starts > 0
    value = found.moved.value - np.log(np.where(relative, starts, 1.0))
    estimates = estimates_of(found.moved._replace(value=value), basis)
    return tuple(
        ArrayAnswer(
            each.name, each.role, estimate, bool(own), regime_of(estimate, relative=bool(own))
        )
        for each, estimate, own in zip(roles, estimates, relative, strict=True)
    )


def check_outputs(widths: Sequence[int], y: np.ndarray) -> int:
    """Refuse proxies with fewer units than outputs; returns points times outputs."""
    outputs = y.shape[1]
    if widths[0] < outputs:
        raise InputError(
            "a proxy must have at least as many units as the network has outputs",
            received=f"proxy width {widths[0]} for {outputs} outputs",
            cause="a proxy that cannot tell the classes apart",
            fix=f"give proxy widths from {outputs} on",
        )
    return len(y) * outputs


def _said(widths: Sequence[int], needed: int) -> list[str]:
    """What to know of proxies with fewer units than points times outputs."""
    if widths[-1] >= needed:
        return []
    told = (
        f"Proxies have fewer units than points times outputs ({needed}): late in training, where the wide "
        "network fits them one by one, corrections in 1/m' are larger than a line shows."
    )
    return [told]


def _checked_widths(width: int, proxy_widths: Sequence[int]) -> tuple[int, ...]:
    check_count("width", width, minimum=2)
    found = tuple(check_count("every proxy width", each, minimum=2) for each in proxy_widths)
    if len(found) < 2 or any(a >= b for a, b in pairwise(found)):
        raise InputError(
            "a proxy needs at least two increasing widths",
            received=", ".join(map(str, found)) or "none",
            cause="a single width, which does not show what narrowness does, or widths in another order",
            fix="give for instance (64, 128)",
        )
    if found[-1] > width:
        raise InputError(
            "a proxy must be narrower than what it stands for",
            received=f"proxy widths {', '.join(map(str, found))} for width {width}",
            cause="widths in the wrong order",
            fix=f"give proxy widths of at most {width}",
        )
    return found


def known_fields(training: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the training; others are refused by name."""
    fields = Training.__dataclass_fields__
    unknown = [name for name in training if name not in fields]
    if unknown:
        raise InputError(
            "arguments of a proxy must be its own or fields of its training",
            received=", ".join(unknown),
            cause="a misspelt name",
            fix=f"use names among {', '.join(fields)}",
        )
    return dict(training)
