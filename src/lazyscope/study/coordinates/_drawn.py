"""Which network did a build of a check draw, and is it the network alone?"""

from collections.abc import Mapping
from typing import Any

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


def _trains(given: Any) -> bool:
    """Whether it is an optimiser, or a list of them: of PyTorch, or a transformation of Optax."""
    if given is None or isinstance(given, Mapping):
        return False
    if isinstance(given, list | tuple) and not hasattr(given, "update"):
        return any(_trains(each) for each in given)
    return callable(getattr(given, "step", None)) or callable(getattr(given, "update", None))
