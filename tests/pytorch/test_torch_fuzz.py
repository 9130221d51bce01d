"""Does every module of a random grammar get its exact kernel, or the refusal it deserves, and stay whole?

``LAZYSCOPE_FUZZ=10000`` draws as many modules. ``random_modules.ROUTED`` leaves out rows sent different ways.
"""

import os

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.torch import tangent_kernel
from naive.torch_jacobian import kernel
from pytorch.random_modules import draw_module
from pytorch.whole import state, whole

COUNT = int(os.environ.get("LAZYSCOPE_FUZZ", "200"))
CHUNK = 25
FAST = 25
"""Modules drawn by the fast tests; the others are left to the slow ones."""


def judged(seed):
    """What is wrong with the answer to the module of that number; nothing if it is right."""
    module, x1, x2, blocks, mixes = draw_module(seed)
    examples = x1.clone(), x2.clone()
    before = state(module)
    try:
        alone, crossed = tangent_kernel(module, x1), tangent_kernel(module, x1, x2)
        said = ""
    except InputError as refusal:
        said = str(refusal)
    except Exception as error:  # the report names the module
        return f"{seed} {blocks}: {type(error).__name__}: {error}"
    if not whole(before, module):
        return f"{seed} {blocks}: the module was touched"
    if not all(np.array_equal(a, b) for a, b in zip(examples, (x1, x2), strict=True)):
        return f"{seed} {blocks}: the inputs were touched"
    if said or mixes:
        right = mixes and ("on its own" in said)
        return "" if right else f"{seed} {blocks}: {said or 'mixed rows were not refused'}"
    for found, others in ((alone, None), (crossed, x2)):
        expected = kernel(module, x1, others)
        gap = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300)
        if not gap < 1e-9:
            return f"{seed} {blocks}: off by {gap:.2g}"
    return ""


def chunks():
    """The first module of every chunk; those of a count that was asked for are all fast."""
    for chunk in range(0, COUNT, CHUNK):
        late = chunk >= FAST and "LAZYSCOPE_FUZZ" not in os.environ
        yield pytest.param(chunk, marks=[pytest.mark.slow] if late else [])


@pytest.mark.parametrize("chunk", list(chunks()))
def test_random_modules_have_their_exact_kernel_and_stay_whole(chunk):
    wrong = [found for seed in range(chunk, min(chunk + CHUNK, COUNT)) if (found := judged(seed))]
    assert wrong == []
