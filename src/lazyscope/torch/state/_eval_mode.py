"""How is a module in training looked at as it would be used?"""

import contextlib
from collections.abc import Iterator

import torch

from lazyscope.torch.state._restore import looked_at_alone


@contextlib.contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode inside: no dropout, running statistics held fixed; every part's mode is put back.

    The flags alone are set: a method ``train`` of the module's own may do more, such as merging weights.
    """
    with looked_at_alone(module):
        modes = [(part, part.training) for part in module.modules()]
        try:
            for part, _ in modes:
                part.training = False
            yield
        finally:
            for part, training in modes:
                part.training = training
