"""Which class do the callbacks of an installed library come from, and which observer do they look with?"""

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lazyscope._checks import InputError
from lazyscope.observe import DEFAULT_CADENCE, Watch, check_cadence
from lazyscope.torch._observer import Observer

Network = Callable[[Any], torch.nn.Module] | None
"""What of a model is watched: a function of it, or None for the model itself."""


def base_class(library: str, places: Mapping[str, str]) -> type:
    """The class of callbacks of a library, from the first place that can be imported.

    Args:
        library: as one calls it.
        places: modules with the name of the class in each.
    """
    for module, name in places.items():
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            continue
    raise InputError(
        f"a callback for {library} needs {library}",
        received=f"none of {', '.join(places)} can be imported",
        cause=f"{library} is not installed, which lazyscope does not do by itself",
        fix="install it, or look from a loop of your own with lazyscope.torch.Observer",
    )


def start_watching(
    model: Any, network: Network, steps: Any, options: Mapping[str, Any]
) -> tuple[Watch, torch.nn.Module]:
    """An observer of a model at the start of its training, told how many steps it will take if known."""
    watched = model if network is None else network(model)
    given = {**options}
    cadence = check_cadence(given.pop("cadence", DEFAULT_CADENCE))
    known = isinstance(steps, int | float) and math.isfinite(steps) and steps >= 1
    if known and cadence.steps is None:
        cadence = dataclasses.replace(cadence, steps=int(steps))
    return Watch(Observer(watched, **given, cadence=cadence)), watched
