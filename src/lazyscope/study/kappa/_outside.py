"""Which spreads leave the assumptions under which kappa alone decides?"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope.data import Dataset, duplicate_groups
from lazyscope.experiment import spread
from lazyscope.model import activation

if TYPE_CHECKING:
    from lazyscope.study.kappa._settings import KappaSettings

_NO_POWER = 1e-12

START = 0.02
"""Share of the first loss above which outputs at the start bend the law of networks that are not centred."""


def outside(settings: "KappaSettings", name: str) -> str:
    """Why the law does not speak of this spread; empty where it does.

    With a positively homogeneous activation a scale is a factor of the output, whichever layer has it.
    Any other activation sees the size of its pre-activations: where it grows the units saturate, where it
    vanishes they are linear, and the normalised kernel changes with kappa or with the width.
    """
    if activation(settings.activation).homogeneous:
        return ""
    chosen = spread(name)
    if not chosen.at_readout:
        return (
            f"pre-activations grow with kappa, and {settings.activation} is not positively homogeneous, so "
            f"that the normalised kernel changes with kappa"
        )
    powers = np.cumsum(chosen.powers(settings.depth)[:-1])
    if np.abs(powers).max() > _NO_POWER:
        return f"pre-activations change with the width, which {settings.activation} sees"
    return ""


def outside_by_start(
    runs: Sequence[Mapping[str, Any]], kappas: Sequence[float], data: Dataset
) -> dict[str, str]:
    """Spreads with outputs at the start that are not small beside the targets at these kappas, by reason.

    The first residual is then these outputs, which grow with kappa as the reach of the network does.
    """
    targets = float(np.sum(np.asarray(data.y_train) ** 2)) / (2 * len(data.y_train))
    first: dict[str, list[float]] = {}
    for run in runs:
        if run["kappa"] in kappas and run["loss_initial"] is not None:
            first.setdefault(run["spread"], []).append(run["loss_initial"])
    reason = (
        "outputs at the start are not small beside the targets and are not subtracted, so that displacements "
        "level off at 1 / sqrt(m); train it centred, or at kappas far below sqrt(m)"
    )
    return {
        name: reason for name, losses in first.items() if np.median(losses) > (1 + START) * targets
    }


def check_reachable(data: Dataset, stop: float) -> None:
    """Refuse targets of which no network can reach this fraction of the first loss.

    Raises:
        InputError: equal points with different targets.
    """
    targets = np.asarray(data.y_train)
    groups = duplicate_groups(data.x_train)
    left = sum(np.sum((targets[list(g)] - targets[list(g)].mean(0)) ** 2) for g in groups)
    share = float(left / np.sum(targets**2)) if left else 0.0
    if share < stop:
        return
    apart = next(g for g in groups if np.ptp(targets[list(g)], axis=0).any())
    raise InputError(
        "equal points must have equal targets, where a loss is to vanish",
        received=f"points {' and '.join(map(str, apart))}, which are equal and have different targets, so "
        f"that {share:.2g} of the loss stays and {stop:g} is asked for",
        cause="one point twice in the data, labelled in two ways",
        fix=f"leave out one of them, or take a stop above {share:.2g}",
    )
