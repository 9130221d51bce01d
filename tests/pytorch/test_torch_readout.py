"""Which parameter is named the readout of a module: the right one, or none."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lazyscope._trace import growing_axes
from lazyscope.observe import DescribedModule
from lazyscope.study.coordinates._network import network_of
from lazyscope.study.coordinates._readout import find_readout

RNG = np.random.default_rng(0)
X, TOKENS = RNG.normal(size=(6, 4)), RNG.integers(0, 5, (6, 3))


class Parts(nn.Module):
    """Layers of which a case uses some; the readouts come first in the tree."""

    def __init__(self, width, forward, names):
        super().__init__()
        self.chosen = forward
        made = {
            "a": lambda: nn.Linear(width, 2),
            "c": lambda: nn.Linear(width, 2),
            "z": lambda: nn.Linear(4, width),
            "m": lambda: nn.Linear(width, width),
            "k": lambda: nn.Linear(4, 2),
            "e": lambda: nn.Embedding(5, width),
            "o": lambda: nn.Linear(width, 5, bias=False),
            "v": lambda: nn.Parameter(torch.randn(width)),
            "t": lambda: nn.Parameter(torch.tensor(0.5)),
            "n": lambda: nn.LayerNorm(width),
        }
        for name in names:
            setattr(self, name, made[name]())

    def forward(self, x):
        return self.chosen(self, x)

    def hidden(self, x):
        return torch.relu(self.z(x))

    def deep(self, x):
        return torch.relu(self.m(self.hidden(x)))


def written_in_place(s, x):
    out = x.new_zeros(len(x), 4)
    out[:, :2] = s.a(s.deep(x))
    out[:, 2:] = s.c(s.hidden(x))
    return out


def with_one_matrix(s, x):
    return functional.linear(torch.relu(s.m(s.e(x).mean(1))), s.e.weight)


CASES = {
    "readout first": (lambda s, x: s.a(s.deep(x)), "azm", "a"),
    "temperature after it": (lambda s, x: s.a(s.deep(x)) * s.t.exp(), "azmt", "a"),
    "a softmax after it": (lambda s, x: torch.log_softmax(s.a(s.deep(x)), 1), "azm", "a"),
    "sum of two heads": (lambda s, x: s.a(s.deep(x)) + s.c(s.hidden(x)), "aczm", "ac"),
    "two heads side by side": (
        lambda s, x: torch.cat([s.a(s.deep(x)), s.c(s.deep(x))], 1), "aczm", "ac",
    ),
    "two heads written in place": (written_in_place, "aczm", "ac"),
    "a head added in place": (lambda s, x: s.a(s.deep(x)).add_(s.c(s.hidden(x))), "aczm", "ac"),
    "a skip from the data": (lambda s, x: s.a(s.deep(x)) + s.k(x), "azmk", "a"),
    "a norm before it": (lambda s, x: s.a(s.n(s.deep(x))), "azmn", "a"),
    "a vector": (lambda s, x: (s.deep(x) * s.v).sum(1, keepdim=True), "zmv", "v"),
    "a product with a vector": (lambda s, x: (s.deep(x) @ s.v)[:, None], "zmv", "v"),
    "an embedding of its own": (lambda s, x: s.o(torch.relu(s.m(s.e(x).mean(1)))), "ome", "o"),
    "an embedding that is the output too": (with_one_matrix, "me", ""),
    "heads that gate each other": (
        lambda s, x: s.a(s.deep(x)) * torch.sigmoid(s.c(s.hidden(x))), "aczm", "",
    ),
    "one matrix there and back": (lambda s, x: s.hidden(x) @ s.z.weight, "z", ""),
    "a mean over units": (lambda s, x: s.deep(x).mean(1, keepdim=True), "zm", ""),
    "the first units": (lambda s, x: s.deep(x)[:, :2], "zm", ""),
    "a norm over units": (lambda s, x: s.deep(x).norm(dim=1, keepdim=True), "zm", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_readout_is_what_alone_writes_the_output(name):
    forward, names, expected = CASES[name]
    x = TOKENS if "e" in names else X
    networks = [network_of(DescribedModule(Parts(width, forward, names)), x) for width in (7, 11)]
    outlines = [network.outline() for network in networks]
    growing = growing_axes(outlines[0].shapes, outlines[1].shapes)
    found = find_readout(outlines[0], networks[0].roles(growing))
    written = {outlines[0].names[k].removesuffix(".weight") for k in found.leaves}
    assert written == set(expected)
    assert found.leaves or "Name the readout with readout=" in found.notes[0]
