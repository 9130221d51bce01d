"""In which library does a build write its networks?"""

from lazyscope.observe import Build, Described, call_build
from lazyscope.proxy._function import FunctionLibrary
from lazyscope.proxy._network import AbstractLibrary
from lazyscope.proxy._training import Points


def library_of(build: Build, points: Points, widths: tuple[int, int]) -> AbstractLibrary:
    """The networks of a build; PyTorch is imported for its own modules only.

    Raises:
        InputError: a build that cannot be called, or returns no network.
    """
    if isinstance(call_build(build, widths[0], 0), Described):
        return FunctionLibrary(build, points, widths, 0)
    from lazyscope.proxy._module import ModuleLibrary

    return ModuleLibrary(build, points, widths, 0)
