"""Which networks did a build of a check draw, and are they networks alone, and several?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.observe import Build, Described, DescribedModule, call_build


def drawn_network(build: Build, width: int, seed: int) -> Described | DescribedModule:
    """What `build` drew, without anything that trains it: a check trains networks itself.

    Raises:
        InputError: as `call_build`; an optimiser beside the network.
    """
    made = call_build(build, width, seed)
    for given in (made.groups, made.rates):
        if _trains(given):
            module = isinstance(made, DescribedModule)
            optimiser = (
                "lambda module: torch.optim.AdamW(module.parameters(), lr=1e-3)"
                if module
                else "optax.adamw(1e-3)"
            )
            network = "module" if module else "(apply, params)"
            raise InputError(
                "build(width, seed) must return the network alone",
                received=f"{type(given).__name__} beside the network",
                cause="the optimiser of a training loop, which a check does not take from build",
                fix=f"return {network}, and say who trains it: train='adamw', or train={optimiser} "
                "(`lazyscope check` has --optimizer)",
            )
    return made


def check_seeds(losses: Float[np.ndarray, "W S T"], axis: str) -> None:
    """Refuse networks that no seed changes: copies of one draw, whose scatter says nothing.

    Args:
        losses: of every network at every step.
        axis: what the widths are of.

    Raises:
        InputError: all seeds have the same losses, at every width.
    """
    if np.array_equal(losses, np.broadcast_to(losses[:, :1], losses.shape), equal_nan=True):
        raise InputError(
            "build must depend on the seed",
            received=f"{losses.shape[1]} seeds with the same losses at every {axis}",
            cause="a seed that build ignores, or one network that is kept and returned again",
            fix="draw the parameters from the second argument of build, as in torch.manual_seed(seed)",
        )


def _trains(given: Any) -> bool:
    """Whether it is an optimiser, or a list of them: of PyTorch, or a transformation of Optax."""
    if given is None or isinstance(given, Mapping):
        return False
    if isinstance(given, list | tuple) and not hasattr(given, "update"):
        return any(_trains(each) for each in given)
    return callable(getattr(given, "step", None)) or callable(getattr(given, "update", None))
