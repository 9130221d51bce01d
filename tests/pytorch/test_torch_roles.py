"""Do parameters of modules have the roles that the same arrays have in a JAX function?"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import lazyscope
from lazyscope import InputError
from lazyscope.torch import roles_of

RNG = np.random.default_rng(0)
X, TOKENS, IMAGES = (
    RNG.normal(size=(4, 3)),
    RNG.integers(0, 5, (4, 6)),
    RNG.normal(size=(4, 2, 6, 6)),
)


class Parts(nn.Module):
    """Layers by name, and what is done with them."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def residual(s, x):
    h = s.a(x)
    h = h + torch.tanh(s.b(s.norm(h)))
    return s.out(h) + s.skip(x)


def attention(s, x):
    h = s.e(x)
    q, k, v = s.qkv(h).chunk(3, -1)
    h = h + s.o(torch.softmax(q @ k.mT / 4, -1) @ v)
    return s.out(h.mean(1))


def tied(s, x):
    return torch.tanh(s.m(s.e(x))).mean(1) @ s.e.weight.T


def convolutional(s, x):
    h = torch.tanh(s.b(torch.tanh(s.depthwise(torch.tanh(s.a(x))))))
    return s.out(h.mean((2, 3)))


def twice(s, x):
    return s.out(torch.tanh(s.m(torch.tanh(s.m(torch.tanh(s.a(x)))))))


CASES = {
    "residual": (X, lambda m: Parts(
        residual, a=nn.Linear(3, m), b=nn.Linear(m, m), norm=nn.LayerNorm(m),
        out=nn.Linear(m, 2), skip=nn.Linear(3, 2)), {
        "a.weight": "input", "a.bias": "input", "b.weight": "hidden", "b.bias": "input",
        "norm.weight": "input", "norm.bias": "input", "out.weight": "output", "out.bias": "fixed",
        "skip.weight": "fixed", "skip.bias": "fixed"}, "out.weight"),
    "attention": (TOKENS, lambda m: Parts(
        attention, e=nn.Embedding(5, m), qkv=nn.Linear(m, 3 * m, bias=False),
        o=nn.Linear(m, m, bias=False), out=nn.Linear(m, 2, bias=False)), {
        "e.weight": "input", "qkv.weight": "hidden", "o.weight": "hidden",
        "out.weight": "output"}, "out.weight"),
    "tied": (TOKENS, lambda m: Parts(tied, e=nn.Embedding(5, m), m=nn.Linear(m, m, bias=False)), {
        "e.weight": "tied", "m.weight": "hidden"}, ""),
    "convolutional": (IMAGES, lambda m: Parts(
        convolutional, a=nn.Conv2d(2, m, 3), depthwise=nn.Conv2d(m, m, 3, groups=m, bias=False),
        b=nn.Conv2d(m, m, 1, bias=False), out=nn.Linear(m, 2, bias=False)), {
        "a.weight": "input", "a.bias": "input", "depthwise.weight": "input", "b.weight": "hidden",
        "out.weight": "output"}, "out.weight"),
    "twice": (X, lambda m: Parts(
        twice, a=nn.Linear(3, m, bias=False), m=nn.Linear(m, m, bias=False),
        out=nn.Linear(m, 2, bias=False), spare=nn.Linear(m, m, bias=False)), {
        "a.weight": "input", "m.weight": "hidden", "out.weight": "output",
        "spare.weight": "unused"}, "out.weight"),
    "weight norm": (X, lambda m: nn.Sequential(
        nn.Linear(3, m, bias=False), nn.Tanh(),
        nn.utils.parametrizations.weight_norm(nn.Linear(m, m, bias=False)), nn.Tanh(),
        nn.Linear(m, 2, bias=False)), {
        "0.weight": "input", "2.parametrizations.weight.original0": "input",
        "2.parametrizations.weight.original1": "hidden", "4.weight": "output"}, "4.weight"),
}  # fmt: skip


def build_of(make):
    def build(width, seed):
        torch.manual_seed(seed)
        return make(width)

    return build


@pytest.mark.parametrize("name", CASES)
def test_parameters_have_the_roles_of_their_places(name):
    x, make, expected, readout = CASES[name]
    roles = roles_of(build_of(make), x, (14, 22))
    assert {each.name: each.role for each in roles} == expected
    assert [roles.arrays[k].name for k in roles.readouts] == ([readout] if readout else [])


def test_a_tied_embedding_says_each_of_its_roles():
    x, make, _, _ = CASES["tied"]
    e = roles_of(build_of(make), x, (14, 22))["e.weight"]
    assert e.uses == ("input", "output")
    assert e.writes_output
    assert e.read_before


def test_a_parameter_used_twice_in_one_role_is_not_tied():
    x, make, _, _ = CASES["twice"]
    m = roles_of(build_of(make), x, (14, 22))["m.weight"]
    assert (m.places, m.tied) == (2, False)


def test_a_module_and_the_function_it_computes_have_the_same_roles():
    def module(width, seed):
        return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))

    def function(width, seed):
        named = dict(module(width, seed).named_parameters())
        params = {name: p.detach().numpy() for name, p in named.items()}
        return apply, params

    def apply(p, x):
        import jax.numpy as jnp

        h = jnp.tanh(x @ p["0.weight"].T + p["0.bias"])
        return h @ p["2.weight"].T + p["2.bias"]

    x = X.astype(np.float32)

    def known(roles):
        depths = [each.depth for each in roles if len(each.shape) > 1]
        return depths, {each.name: replace(each, depth=None) for each in roles}

    assert known(roles_of(module, x)) == known(lazyscope.roles_of(function, x))


def test_each_library_names_the_function_of_the_other():
    def module(width, seed):
        return nn.Linear(width, 1)

    with pytest.raises(InputError, match=r"use lazyscope\.torch\.roles_of"):
        lazyscope.roles_of(module, X)
    with pytest.raises(InputError, match=r"use lazyscope\.roles_of"):
        roles_of(lambda m, s: (lambda p, x: x @ p, np.ones((3, m))), X)
