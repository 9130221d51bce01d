"""Are parts in single precision, casts, normalised weights and position tables what they are in training?"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lazyscope._checks import InputError
from lazyscope.torch import (
    Observer,
    explain_tangent_kernel,
    forecast,
    tangent_kernel,
    tangent_kernel_product,
)
from naive.torch_jacobian import kernel
from pytorch.torch_cases import Function, array, points, tokens

X = points(6, 5, seed=8)
SEQUENCE = points(6, 4, 5, seed=8)


class Norm(nn.Module):
    """Root mean square norm in single precision, as in language models; `kind` is where the weight acts."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.weight = kind, array(5)

    def forward(self, x):
        h = x.to(torch.float32)
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6)
        if self.kind == "after":
            return self.weight * h.to(x.dtype)
        if self.kind == "more than one":
            return (h * (1.0 + self.weight.float())).type_as(x)
        return (self.weight.to(torch.float32) * h).to(x.dtype)


def attention(self, x):
    q, k, v = self.inner(x).chunk(3, -1)
    scores = functional.softmax(q @ k.mT, dim=-1, dtype=torch.float32).to(q.dtype)
    return self.out((scores @ v).mean(1))


def normed(kind):
    return Function(
        lambda s, x: s.out(torch.tanh(s.norm(s.inner(x)))),
        inner=nn.Linear(5, 5), norm=Norm(kind), out=nn.Linear(5, 2),
    ).double()  # fmt: skip


def softmax_in_single():
    return Function(attention, inner=nn.Linear(5, 9), out=nn.Linear(3, 2)).double()


def close(found, expected, tolerance):
    return np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["after", "more than one", "inside"])
def test_norms_in_single_precision_keep_the_kernel_of_a_double_module(kind):
    module = normed(kind)
    found = tangent_kernel(module, X)
    assert found.dtype == np.float64
    assert close(found, kernel(module, X), 1e-6)
    assert explain_tangent_kernel(module, X).fallbacks == ()


def test_a_softmax_in_single_precision_keeps_the_kernel_of_a_double_module():
    module = softmax_in_single()
    assert close(tangent_kernel(module, SEQUENCE), kernel(module, SEQUENCE), 1e-6)


@pytest.mark.parametrize(
    ("build", "x"), [(lambda: normed("after"), X), (softmax_in_single, SEQUENCE)]
)
def test_all_that_follows_from_the_kernel_works_with_parts_in_single_precision(build, x):
    module, y = build(), points(6, 2, seed=9)
    exact = kernel(module, x)
    product = tangent_kernel_product(module, x, y)
    assert close(product, np.einsum("ijck,jk->ic", exact, y), 1e-5)
    assert Observer(module, x, y).observe(step=1).measurement.kernel_change == 0.0
    whole = forecast(module.float(), x, y)
    assert np.isfinite(whole.displacement).all()


def test_a_forecast_takes_what_single_precision_does_not_resolve_for_zero():
    module = normed("after")
    x, y = X[[0, 0, 1, 2]] * (1 + 1e-8 * points(4, 1, seed=10)), points(4, 2, seed=9)
    merged = y.clone()
    merged[:2] = y[:2].mean(0)
    found, expected = forecast(module, x, y), forecast(module, x, merged)
    assert np.allclose(found.displacement, expected.displacement, rtol=1e-2)


def test_half_precision_inside_stays_refused():
    module = Function(lambda s, x: s.inner(x).bfloat16().to(x.dtype), inner=nn.Linear(5, 2))
    with pytest.raises(InputError, match=r"precision of its parameters.*bfloat16"):
        tangent_kernel(module, X.float())


CASTS = {
    "to": lambda w, x: w.to(x.dtype),
    "to_other": lambda w, x: w.to(x),
    "type_as": lambda w, x: w.type_as(x),
    "double": lambda w, x: w.double(),
    "device": lambda w, x: w.to(x.device),
    "type": lambda w, x: w.type(x.dtype),
    "idle_dropout": lambda w, x: functional.dropout(w, 0.3, training=False),
    "plus_zero": lambda w, x: w + 0.0,
    "one_minus": lambda w, x: 1 - w * 2,
}


@pytest.mark.parametrize("name", sorted(CASTS))
def test_casts_and_numbers_keep_a_weight_in_view(name):
    cast = CASTS[name]
    module = Function(
        lambda s, x: torch.tanh(functional.linear(x, cast(s.w, x), cast(s.b, x))) @ cast(s.o, x),
        w=array(3, 5), b=array(3), o=array(3, 2),
    )  # fmt: skip
    assert explain_tangent_kernel(module, X).fallbacks == ()
    assert close(tangent_kernel(module, X), kernel(module, X), 1e-12)


POSITIONS = {
    "shared": lambda s, x: s.place(s.numbers[None, : x.shape[1]]).to(s.place.weight.device),
    "expanded": lambda s, x: s.place(s.numbers[None]).expand(len(x), -1, -1),
    "looked_up_for_each": lambda s, x: s.place(s.numbers.expand(len(x), -1)),
    "repeated": lambda s, x: s.place(s.numbers.repeat(len(x), 1)),
}


@pytest.mark.parametrize("name", sorted(POSITIONS))
def test_a_table_of_positions_needs_no_jacobian(name):
    position = POSITIONS[name]
    module = Function(
        lambda s, x: s.out(torch.tanh(s.words(x) + position(s, x)).mean(1)),
        words=nn.Embedding(9, 3), place=nn.Embedding(4, 3), out=nn.Linear(3, 2),
    ).double()  # fmt: skip
    module.register_buffer("numbers", torch.arange(4))
    x = tokens(6, 4, 9)
    assert explain_tangent_kernel(module, x).fallbacks == ()
    assert close(tangent_kernel(module, x), kernel(module, x), 1e-12)


def standardised(self, x):
    """Weight standardisation as in Big Transfer: batch norm of the weight."""
    w = functional.batch_norm(
        self.w.view(1, 4, -1), None, None, training=True, momentum=0.0, eps=1e-5
    )
    return functional.conv2d(x, w.view_as(self.w)).relu().mean((2, 3)) @ self.out


def gained(self, x):
    """Scaled weight standardisation as in normaliser-free networks."""
    w = functional.batch_norm(
        self.w.view(1, 4, -1), None, None, weight=self.gain, training=True, momentum=0.0
    )
    return functional.conv2d(x, w.view_as(self.w)).relu().mean((2, 3)) @ self.out


def norm_of_instances(self, x):
    h = functional.conv2d(x, self.w)
    flat = functional.batch_norm(h.flatten(0, 1)[None], None, None, training=True)
    return flat.view_as(h).tanh()[:, :, 0].mean(2) @ self.out


@pytest.mark.parametrize("forward", [standardised, gained, norm_of_instances])
def test_batch_norm_of_weights_or_of_single_examples_is_exact(forward):
    module = Function(forward, w=array(4, 2, 3, 3), gain=array(4), out=array(4, 2))
    x = points(5, 2, 6, 6)
    module.get_parameter("gain").requires_grad_(forward is gained)
    assert close(tangent_kernel(module, x), kernel(module, x), 1e-10)


def test_batch_norm_of_the_examples_stays_refused_by_its_name():
    layers = (nn.BatchNorm1d(5), nn.BatchNorm1d(5, track_running_stats=False))
    for layer in layers:
        with pytest.raises(InputError, match="mean and variance from the batch"):
            tangent_kernel(nn.Sequential(layer, nn.Linear(5, 2)).double(), X)
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 1))
    with pytest.raises(InputError, match="mean and variance from the batch"):
        tangent_kernel(module.double(), points(5, 2, 6, 6))
