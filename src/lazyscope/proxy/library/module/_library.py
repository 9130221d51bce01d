"""Which PyTorch modules does a build make, and with which optimiser?"""

import contextlib
import random
from collections.abc import Iterator
from typing import final

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope.observe import Build, DescribedModule, call_build
from lazyscope.proxy._training import Points, Training
from lazyscope.proxy.library._network import AbstractLibrary, AbstractNetwork
from lazyscope.proxy.library.module._calls import factors_between
from lazyscope.proxy.library.module._network import ModuleNetwork, inputs_of
from lazyscope.proxy.library.module._own_optimiser import own_training, told_of
from lazyscope.torch import roles_of
from lazyscope.torch.state import process_state_held


@final
class ModuleLibrary(AbstractLibrary):
    """PyTorch modules that a build makes; every training is that of a copy."""

    def __init__(self, build: Build, points: Points, widths: tuple[int, int], seed: int) -> None:
        self._build, self._points = build, points
        self._width = widths[0]
        x = inputs_of(points.x, self._made(widths[0], seed).module)[:4]
        with _drawing(seed):
            self.roles = roles_of(
                lambda width, s: self._made(width, s).module, x, widths, seed=seed
            )

    def draw(self, width: int, seed: int) -> ModuleNetwork:
        """A network."""
        return ModuleNetwork(self._made(width, seed), self._points, self.roles)

    def with_constants(
        self, narrow: AbstractNetwork, wide: AbstractNetwork, ratio: float
    ) -> tuple[AbstractNetwork, tuple[str, ...]]:
        """The narrow network with the wide one's factors and optimiser, and what that leaves open."""
        assert isinstance(narrow, ModuleNetwork)
        assert isinstance(wide, ModuleNetwork)
        factors, told = factors_between(narrow.calls, wide.calls)
        notes = [*told]
        if wide.own is not None:
            notes.append(told_of(wide.own, wide.names))
        return narrow.as_wide(factors, wide.own), (*notes, *narrow.notes())

    def own_training(self, training: Training, told: frozenset[str]) -> Training:
        """The training, as the optimiser that build returns says where there is one."""
        own = self.draw(self._width, 0).own
        return training if own is None else own_training(training, own, told)

    def _made(self, width: int, seed: int) -> DescribedModule:
        """What the build returns, which may draw from any random state; those are as before afterwards."""
        with _drawing(seed):
            made = call_build(self._build, width, seed)
        if isinstance(made, DescribedModule):
            return made
        raise InputError(
            "build must return networks of one library",
            received="a JAX function beside a PyTorch module",
            cause="a build that chooses by the width",
            fix="return the same kind for every width and seed",
        )


@contextlib.contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Random states set by the seed inside and as before afterwards; gradients on."""
    with process_state_held(), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        yield
