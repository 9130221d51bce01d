"""Is a module left exactly as it was, whatever is asked of it and however that ends?"""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope._checks import InputError
from lazyscope.torch import (
    Observer,
    explain_tangent_kernel,
    forecast,
    tangent_kernel,
    tangent_kernel_product,
)
from pytorch.torch_cases import case


def snapshot(module):
    parts = {
        n: (id(p), p.detach().clone(), p.requires_grad, p.grad)
        for n, p in module.named_parameters()
    }
    buffers = {n: (id(b), b.clone()) for n, b in module.named_buffers()}
    hooks = [(len(m._forward_hooks), len(m._backward_hooks), m.training) for m in module.modules()]
    return (
        parts,
        buffers,
        hooks,
        torch.get_rng_state(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
    )


def same(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def asks(module, x):
    y = np.ones((len(x), module(x).shape[1]))
    yield lambda: tangent_kernel(module, x)
    yield lambda: explain_tangent_kernel(module, x)
    yield lambda: tangent_kernel_product(module, x, y)
    yield lambda: forecast(module, x, y)
    yield lambda: Observer(module, x, y).observe(step=1)


@pytest.mark.parametrize("name", ["convolutional", "partly_frozen", "recurrent"])
def test_nothing_about_a_module_changes(name):
    module, x, _ = case(name)
    next(p for p in module.parameters() if p.requires_grad).grad = None
    module(x).sum().backward()
    for ask in asks(module, x):
        before = snapshot(module)
        ask()
        assert same(before, snapshot(module))


def test_a_refused_module_keeps_its_statistics_and_the_random_state():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    before = snapshot(module)
    with pytest.raises(InputError):
        tangent_kernel(module, np.ones((4, 3)))
    assert same(before, snapshot(module))


def test_a_kernel_can_be_asked_for_where_gradients_are_off():
    module, x, _ = case("dense")
    expected = tangent_kernel(module, x)
    with torch.no_grad():
        assert np.array_equal(tangent_kernel(module, x), expected)
    with torch.inference_mode():
        assert np.array_equal(tangent_kernel(module, x * 1.0), expected)


def test_the_room_says_what_to_install_where_pytorch_is_missing():
    script = """
    import sys
    import lazyscope
    assert "torch" not in sys.modules, "the core imports torch"
    sys.modules["torch"] = None
    try:
        lazyscope.torch
    except ImportError as error:
        print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        "lazyscope.torch needs PyTorch, which is not installed. "
        "Install it with: pip install 'lazyscope[torch]'"
    )
