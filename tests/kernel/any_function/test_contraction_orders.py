"""Every order of contraction gives the same kernel, wherever it can be used at all."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.kernel import (
    FunctionKernel,
    explain_tangent_kernel,
    tangent_kernel,
    tangent_kernel_by_parameter,
)
from lazyscope.kernel.any_function import _plan as plans
from lazyscope.kernel.orders import ORDERS, _carried, orders_in
from lazyscope.model import FunctionModel, parameter_groups
from naive.jacobian_kernel import kernel, kernels_by_leaf
from naive.networks import NETWORKS, draw

OFTEN_USED = [
    "tied_weights",
    "convolution",
    "dilated_grouped_convolution",
    "language_model",
    "scan_over_layers",
    "mixture_of_experts",
]


@pytest.fixture(params=["grams", "gradients", "carried"])
def order(request, monkeypatch):
    """One order for all sites that allow it; a memory of its own keeps its plans from other tests."""
    wanted = request.param

    def chosen(offered):
        offered = list(offered)
        return next((o for o in offered if o.name == wanted), min(offered, key=lambda o: o.cost()))

    monkeypatch.setattr(plans, "cheapest", chosen)
    return wanted, 1e9 + ["grams", "gradients", "carried"].index(wanted)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", OFTEN_USED)
def test_shares_do_not_depend_on_the_order(name, order, double):
    apply, params, x1, x2 = NETWORKS[name]()
    shares = tangent_kernel_by_parameter(apply, params, x1, x2, memory=order[1])
    for share, alone in zip(
        jax.tree.leaves(shares), kernels_by_leaf(apply, params, x1, x2), strict=True
    ):
        close(share, alone)


def strided(params, x):
    """Stride, one-sided padding, dilation of both kinds and groups."""
    h = jax.lax.conv_general_dilated(x, params["a"], (2, 1), ((1, 2), (-1, 3)), (1, 2), (2, 1))
    h = jax.lax.conv_general_dilated(h, params["b"], (1, 1), "SAME", feature_group_count=2)
    return jnp.tanh(h).reshape(len(x), -1) @ params["out"]


@pytest.mark.parametrize("with_pixels", [True, False])
def test_convolutions_of_any_kind_agree_from_pixels_and_from_patches(
    order, with_pixels, monkeypatch, double
):
    monkeypatch.setattr(_carried, "SHIFTED", 0.0 if with_pixels else 1e9)
    params = {"a": draw(4, 2, 3, 2), "b": draw(4, 2, 2, 3), "out": draw(120, 2)}
    x = draw(20, 2, 6, 5)
    how = explain_tangent_kernel(strided, params, x, memory=order[1] + 10 * with_pixels)
    assert how.parameters[0].contraction == order[0]
    close(
        tangent_kernel(strided, params, x, memory=order[1] + 10 * with_pixels),
        kernel(strided, params, x),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tied_weights", "dilated_grouped_convolution", "language_model"])
def test_the_kernel_averaged_over_outputs_does_not_depend_on_the_order(name, order, double):
    apply, params, x1, _ = NETWORKS[name]()
    named = parameter_groups(params)
    whole = None if x1.dtype == np.float64 else x1.dtype
    tangent = FunctionKernel(FunctionModel(apply, named, input_dtype=whole, token=order))
    groups = named.groups_of(jax.tree.map(jnp.asarray, params))
    speeds = 1.0 + jnp.arange(len(groups), dtype=float)
    shares = kernels_by_leaf(apply, params, x1)
    expected = sum(s * np.einsum("ijcc->ij", k) for s, k in zip(speeds, shares, strict=True))
    expansion = tangent.expand(groups, jnp.asarray(x1))
    close(expansion.mean_kernel(speeds), expected / expansion.outputs.shape[1])


def test_a_file_with_an_order_is_found_by_itself(tmp_path, monkeypatch):
    source = Path(_carried.__file__).with_name("_grams.py").read_text()
    package = tmp_path / "more_orders"
    package.mkdir()
    package.joinpath("__init__.py").write_text("")
    package.joinpath("_twice.py").write_text(source.replace('= "grams"', '= "twice"'))
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = orders_in("more_orders", [str(package)])
    assert found.name == "twice"
    assert found.__name__ == "Grams"


def test_orders_have_names_and_ranks_of_their_own():
    assert len({order.name for order in ORDERS}) == len(ORDERS) == 3
    assert [order.rank for order in ORDERS] == [0, 1, 2]
