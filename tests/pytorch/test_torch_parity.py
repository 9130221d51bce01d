"""Do PyTorch and JAX give the same kernels, records and forecasts on equal weights?"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import lazyscope.torch as ours
from lazyscope.flow import function_problem
from lazyscope.forecast import forecast_problem
from lazyscope.kernel import tangent_kernel_by_parameter
from lazyscope.observe import Observer
from pytorch.torch_twins import NAMES, twin


def difference(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
@pytest.mark.parametrize("name", NAMES)
def test_every_share_of_the_kernel_agrees(name, dtype, tolerance):
    module, apply, params, x = twin(name, dtype)
    found = ours.tangent_kernel_by_parameter(module, x)
    expected = tangent_kernel_by_parameter(apply, params, x)
    gaps = {n: difference(found[f"w.{n}"], expected[n]) for n in params}
    assert {n: gap for n, gap in gaps.items() if not gap <= tolerance} == {}


def moved(params, size):
    rng = np.random.default_rng(5)
    return {n: p + (size * rng.normal(size=p.shape)).astype(p.dtype) for n, p in params.items()}


@functools.cache
def measurements(name):
    """What both observers say of the same change of the weights, in double precision."""
    module, apply, params, x = twin(name)
    outputs = module(torch.as_tensor(x)).shape[1]
    y = np.random.default_rng(1).normal(size=(len(x), outputs))
    after = moved(params, 0.3)
    with jax.enable_x64(True):
        observer = Observer(apply, params, jnp.asarray(x), jnp.asarray(y))
        expected = observer.observe(after, step=3).measurement
    watching = ours.Observer(module, x, y)
    with torch.no_grad():
        for n, p in module.named_parameters():
            p.copy_(torch.from_numpy(after[n.removeprefix("w.")]))
    return watching, observer, watching.observe(step=3).measurement, expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dense", "convolutional"])
def test_both_observers_see_the_same(name):
    watching, observer, found, expected = measurements(name)
    leaves = [n.removeprefix("w.") for n in watching.record.subject.parameters]
    order = [observer.record.subject.parameters.index(n) for n in leaves]
    for field in dataclasses.fields(found):
        ours_, theirs = (np.asarray(getattr(m, field.name)) for m in (found, expected))
        if ours_.shape == (len(order),):
            theirs = theirs[order]
        if field.name.startswith("group"):
            continue
        np.testing.assert_allclose(ours_, theirs, rtol=1e-7, atol=1e-12, err_msg=field.name)


def test_both_records_have_the_same_summary():
    watching, observer, *_ = measurements("dense")
    ours_, theirs = watching.record.summary(), observer.record.summary()
    assert list(ours_) == list(theirs)
    assert ours_["verdict"] == theirs["verdict"]
    assert ours_["kernel_change"] == pytest.approx(theirs["kernel_change"], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [0.0, 1e-3])
@pytest.mark.parametrize("name", ["dense", "convolutional"])
def test_both_forecasts_agree(name, stop):
    module, apply, params, x = twin(name)
    outputs = module(torch.as_tensor(x)).shape[1]
    y = np.random.default_rng(1).normal(size=(len(x), outputs))
    speeds = {"a": 0.5, "d": 2.0}
    problem = function_problem(
        apply, params, x, y, speeds={f"['{k}']": s for k, s in speeds.items()}
    )
    expected = forecast_problem(problem, stop=stop)
    found = ours.forecast(
        module, x, y,
        groups=lambda n: n.removeprefix("w."), speeds=speeds, stop=stop,
    )  # fmt: skip
    assert difference(found.eigenvalues, expected.eigenvalues) < 1e-10
    assert difference(found.energies, expected.energies) < 1e-8
    assert difference(found.displacement, expected.displacement) < 1e-6
    assert found.max_stable_step == pytest.approx(expected.max_stable_step, rel=1e-10)
    assert found.time_to(1e-2) == pytest.approx(expected.time_to(1e-2), rel=1e-8)
    with jax.enable_x64(True):
        tree = problem.model.tree_of(expected.change)
    assert all(difference(found.change[f"w.{n}"], tree[n]) < 1e-6 for n in params)
