"""Does the coordinate check say the same of PyTorch modules as of JAX functions?"""

import functools
import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn

from lazyscope import InputError
from lazyscope.observe import Described, DescribedModule
from lazyscope.study import coordinate_check
from lazyscope.study.coordinates._network import network_of

X = np.random.default_rng(3).normal(size=(5, 4)) * 0.5
Y = np.sign(np.random.default_rng(4).normal(size=(5, 2)))
WIDTHS = (32, 64, 128)


class Scaled(nn.Module):
    """Two hidden layers with a multiplier behind each."""

    def __init__(self, weights, multipliers):
        super().__init__()
        self.first, self.second, self.last = (nn.Parameter(torch.tensor(w)) for w in weights)
        self.multipliers = multipliers

    def forward(self, x):
        a, b, c = self.multipliers
        x = torch.relu(nn.functional.linear(x, self.first) * a)
        x = torch.relu(x @ self.second.T * b)
        return nn.functional.linear(x, self.last) * c


def weights(width, seed, power):
    rng = np.random.default_rng([seed, width])
    shapes = ((width, 4), (width, width), (2, width))
    sizes = (1.0, (2 / width) ** 0.5, width**-power)
    return [rng.normal(size=s) * size for s, size in zip(shapes, sizes, strict=True)]


def standard(width, seed):
    return Scaled(weights(width, seed, 0.5), (1.0, 1.0, 1.0))


def ntk(width, seed):
    first, second, last = weights(width, seed, 0.0)
    root = width**-0.5
    return Scaled([first, second / root, last], (1.0, root, root))


def rates(width):
    return {"first": width, "second": 1.0, "last": 1 / width}


def mup(width, seed):
    return Scaled(weights(width, seed, 1.0), (1.0, 1.0, 1.0)), None, rates(width)


def network(params, x):
    x = jnp.maximum(x @ params["first"].T, 0.0)
    x = jnp.maximum(x @ params["second"].T, 0.0)
    return x @ params["last"].T


def in_jax(width, seed):
    named = zip(("first", "second", "last"), weights(width, seed, 1.0), strict=True)
    return Described(network, dict(named), None, rates(width))


@functools.cache
def checked(build):
    return coordinate_check(build, (X, Y), WIDTHS, 4, steps=6)


@pytest.mark.slow
@pytest.mark.parametrize("build", [standard, ntk, mup])
def test_versions_of_one_module_are_told_apart(build):
    assert checked(build).schemes == (build.__name__,)
    assert [layer.name for layer in checked(build).layers] == ["first", "second", "last"]
    assert [layer.kind for layer in checked(build).layers] == ["input", "hidden", "readout"]


@pytest.mark.slow
def test_jax_and_pytorch_measure_the_same_numbers():
    pair = [network_of(build(24, 1), X) for build in (lambda *a: DescribedModule(*mup(*a)), in_jax)]
    outlines = [network.outline() for network in pair]
    assert outlines[0].groups == outlines[1].groups == ("first", "second", "last")
    by_name = [np.argsort([each.groups[k] for k in each.leaf_group]) for each in outlines]
    assert outlines[0].leaf_group == (0, 1, 2)
    found, expected = (
        network.first_steps(
            Y, axes, np.array([rates(24)[each.groups[k]] for k in each.leaf_group]), 6
        )
        for network, each, axes in zip(
            pair, outlines, ((None, 0, None), (None, None, 0)), strict=True
        )
    )
    for name, value in expected._asdict().items():
        one, two = np.asarray(getattr(found, name)), np.asarray(value)
        if name not in ("output", "loss"):
            one, two = one[by_name[0]], two[by_name[1]]
        np.testing.assert_allclose(one, two, rtol=1e-8, err_msg=name)


def test_the_module_is_left_as_it_was_and_biases_and_single_precision_pass():
    made = []

    def build(width, seed):
        torch.manual_seed(seed)
        hidden = nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        made.append(nn.Sequential(*hidden, nn.Linear(width, 2)))
        return made[-1]

    state = torch.get_rng_state()
    check = coordinate_check(build, (X, Y), (8, 12, 16), 2, steps=2)
    torch.set_rng_state(state)
    torch.manual_seed(0)
    again = build(8, 0)
    for before, after in zip(again.parameters(), made[0].parameters(), strict=True):
        assert torch.equal(before, after)
        assert after.grad is None
    assert [layer.name for layer in check.layers] == ["layer 0", "layer 2", "layer 4"]
    assert "torch" in check.versions


def test_groups_and_rates_of_a_module_must_fit():
    with pytest.raises(InputError, match="Rates must be given for groups that exist"):
        coordinate_check(lambda m, s: (standard(m, s), None, {"frst": 1.0}), (X, Y), WIDTHS, 2)
    with pytest.raises(InputError, match="Targets must fit the points and the outputs"):
        coordinate_check(standard, (X, Y[:, :1]), WIDTHS, 2)
    with pytest.raises(InputError, match="same outputs whenever it is called"):
        coordinate_check(
            lambda m, s: nn.Sequential(standard(m, s), nn.Dropout()), (X, Y), WIDTHS, 2
        )


def test_a_matrix_whose_place_is_not_seen_is_refused_rather_than_taken_for_the_readout():
    class Hidden(Scaled):
        def forward(self, x):
            x = torch.einsum("oi,ni->no", self.second, (x @ self.first.T).relu())
            return x.relu() @ self.last.T

    def build(width, seed):
        return Hidden(weights(width, seed, 0.5), (1.0, 1.0, 1.0))

    with pytest.raises(InputError, match=r"must see where every matrix.*second, used by einsum"):
        coordinate_check(build, (X, Y), (8, 16, 32), 2)


@pytest.mark.slow
def test_a_jax_network_is_described_without_importing_pytorch():
    program = (
        "import sys, numpy as np\n"
        "from lazyscope.observe import call_build\n"
        "from lazyscope.study.coordinates._network import network_of\n"
        "made = lambda p, x: (x @ p[0]) @ p[1], (np.eye(2), np.ones((2, 1)))\n"
        "network_of(call_build(lambda m, s: made, 2, 0), np.eye(2)).outline()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("train", [None, "adam"])
@pytest.mark.parametrize("held", [lambda one: one, lambda one: [one]])
def test_an_optimiser_beside_the_module_is_refused_in_words_that_say_where_it_goes(train, held):
    def build(width, seed):
        module = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))
        return module, held(torch.optim.AdamW(module.parameters()))

    points = torch.ones(3, 2), torch.ones(3, 1)
    with pytest.raises(InputError, match="must return the network alone") as caught:
        coordinate_check(build, points, (2, 4, 8), 2, train=train)
    assert "train='adamw'" in caught.value.fix


def test_layers_without_names_are_called_layers_in_every_sentence():
    def build(width, seed):
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Linear(2, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
        )

    points = torch.arange(6.0).reshape(3, 2) / 3, torch.ones(3, 1)
    check = coordinate_check(build, points, (8, 16, 32), 2, steps=1)
    assert [layer.name for layer in check.layers] == ["layer 0", "layer 2"]
    told = json.dumps(check.to_json())
    assert '"layer 2"' in told
    assert '"2"' not in told
