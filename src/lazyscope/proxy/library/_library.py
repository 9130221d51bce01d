"""In which library does a build write its networks?"""

import contextlib
import sys
from contextlib import AbstractContextManager

from lazyscope.observe import Build, Described, call_build
from lazyscope.proxy._training import Points
from lazyscope.proxy.library._function import FunctionLibrary
from lazyscope.proxy.library._network import AbstractLibrary


def library_of(build: Build, points: Points, widths: tuple[int, int]) -> AbstractLibrary:
    """The networks of a build; PyTorch is imported for its own modules only.

    Raises:
        InputError: a build that cannot be called, or returns no network.
    """
    with _random_states_of_torch():
        made = call_build(build, widths[0], 0)
    if isinstance(made, Described):
        return FunctionLibrary(build, points, widths, 0)
    from lazyscope.proxy.library.module import ModuleLibrary

    return ModuleLibrary(build, points, widths, 0)


def _random_states_of_torch() -> AbstractContextManager[None]:
    """Random states as before afterwards, where PyTorch is there to have one."""
    if "torch" not in sys.modules:
        return contextlib.nullcontext()
    from lazyscope.torch.state import process_state_held

    return process_state_held()
