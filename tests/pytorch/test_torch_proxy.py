"""Do proxies of PyTorch modules say what those of the same JAX functions do?"""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from lazyscope import InputError
from lazyscope.proxy import narrow_proxy

SHORT = {"width": 128, "proxy_widths": (8, 16), "seeds": 3, "steps": 6}


def points():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(12, 6)), rng.normal(size=(12, 2))
    return x.astype(np.float32) / 2, y.astype(np.float32)


def weights(width, seed):
    rng = np.random.default_rng([seed, width])
    shapes = ((6, width), (width, width), (width, 2))
    return [(rng.normal(size=s) / s[0] ** 0.5).astype(np.float32) for s in shapes]


def module(width, seed):
    made = torch.nn.Sequential(
        torch.nn.Linear(6, width), torch.nn.Tanh(),
        torch.nn.Linear(width, width, bias=False), torch.nn.Tanh(),
        torch.nn.Linear(width, 2, bias=False),
    )  # fmt: skip
    with torch.no_grad():
        made[0].bias.zero_()
        for layer, w in zip(made[::2], weights(width, seed), strict=True):
            layer.weight.copy_(torch.as_tensor(w.T))
    return made


def function(width, seed):
    a, c, d = (jnp.asarray(w) for w in weights(width, seed))
    params = {"a": a, "b": jnp.zeros(width, jnp.float32), "c": c, "d": d}
    return lambda p, x: jnp.tanh(jnp.tanh(x @ p["a"] + p["b"]) @ p["c"]) @ p["d"], params


@pytest.mark.parametrize(
    ("kind", "rate", "more"),
    [("adamw", 0.01, {"decay": 0.1, "epsilon": 0.01}), ("momentum", 0.02, {})],
)
def test_a_module_is_predicted_as_the_same_function_is(kind, rate, more):
    given = {**SHORT, "optimizer": kind, "rate": rate, **more}
    one, other = (narrow_proxy(build, points(), **given) for build in (module, function))
    for a, b in zip(one.loss, other.loss, strict=True):
        assert a.value == pytest.approx(b.value, rel=1e-3)
        assert a.low == pytest.approx(b.low, rel=1e-2)
    pairs = (("0.weight", "a"), ("0.bias", "b"), ("2.weight", "c"), ("4.weight", "d"))
    for name, same in pairs:
        mine, theirs = one[name], other[same]
        assert mine.role == theirs.role
        assert mine.displacement.value == pytest.approx(theirs.displacement.value, rel=1e-2)


def test_the_module_that_a_build_returns_is_left_as_it_was():
    held = {}

    def kept(width, seed):
        return held.setdefault((width, seed), module(width, seed))

    narrow_proxy(kept, points(), **SHORT, optimizer="sgd", rate=0.01)
    for (width, seed), made in held.items():
        fresh = module(width, seed)
        assert all(
            torch.equal(a, b) and a.grad is None
            for a, b in zip(made.parameters(), fresh.parameters(), strict=True)
        )


def test_optimisers_that_modules_do_not_have_are_refused():
    with pytest.raises(InputError, match="sgd, momentum, adam or adamw"):
        narrow_proxy(module, points(), **SHORT, optimizer="lion", rate=0.01)


def test_a_multiplier_inside_a_module_is_refused_by_name():
    class Scaled(torch.nn.Module):
        def __init__(self, width, seed):
            super().__init__()
            self.inner, self.factor = module(width, seed), width**-0.5
            with torch.no_grad():
                self.inner[4].weight.mul_(width**0.5)

        def forward(self, x):
            return self.inner(x) * self.factor

    with pytest.raises(InputError, match=r"(?i)gradients at the start.*inner\.4\.weight"):
        narrow_proxy(Scaled, points(), **SHORT, optimizer="sgd", rate=0.01)
