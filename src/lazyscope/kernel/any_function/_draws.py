"""What are the kernels of many draws of one network, checked and compiled once?"""

from collections.abc import Hashable
from typing import Any, final

import jax
from jax import Array

from lazyscope._trace import Question, asking, over_examples, pose, run_tapped
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import (
    Programs,
    arrays_of,
    check_network,
    check_result,
    checked,
    fingerprint,
    in_blocks,
    summing,
)
from lazyscope.kernel.any_function._factors import Arrays
from lazyscope.kernel.orders._rows import dot


@final
class KernelsOfDraws:
    """Kernels of functions that differ in their arrays only, as draws of one build do.

    What computes the same equations as one before is not checked again, and takes its program.
    """

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._known: dict[Hashable, Any] = {}

    def tangent(self, apply: Apply, params: Params, x: Any) -> Array:
        """The tangent kernel of x with itself in the mean over outputs, (n, n)."""
        with asking(params):
            question = pose(apply, params, x, None)
            key = ("tangent", fingerprint(question), len(question.x1))
            if key not in self._known:
                check_result(question, 1, "mean")
                self._known[key] = checked(question, self._memory, summing, "mean")
            programs: Programs = self._known[key]
            return in_blocks(programs, question)[:, :, 0, 0]

    def covariance(self, apply: Apply, params: Params, x: Any) -> Array:
        """Products of outputs in the mean over them, (n, n)."""
        with asking(params):
            question = pose(apply, params, x, None)
            key = ("covariance", fingerprint(question), len(question.x1))
            if key not in self._known:
                check_network(question, self._memory)
                self._known[key] = jax.jit(_outputs(question))
            found = self._known[key](arrays_of(question), question.x1)
            return dot(found, found, (((1,), (1,)), ((), ()))) / found.shape[1]


def _outputs(question: Question) -> Any:
    example = question.example

    def outputs(arrays: Arrays, x: Any) -> Any:
        def single(one: Any) -> Any:
            inputs = [*arrays.context, *arrays.leaves, one]
            return run_tapped(example.closed.jaxpr, arrays.consts, inputs, {}, {})[0][0][0]

        return over_examples(single)(x)

    return outputs
