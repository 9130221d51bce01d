"""What does a module make of every example alone?

The kernel is that of each example on its own. So each is asked alone, all at once by `vmap` where this can
follow the module, else one after the other; a module whose outputs change with the rest of the batch mixes.
"""

import warnings
from typing import NamedTuple

import torch
from torch.func import vmap

from lazyscope.torch._question import Question, call
from lazyscope.torch._refusals import batch_statistics, mixing
from lazyscope.torch.kernel._probe import Sketch, record, together
from lazyscope.torch.state._attributes import attributes_restored


class Expected(NamedTuple):
    """Outputs (n, C) of examples alone, the precision of their sums, and whether a batch norm was seen."""

    outputs: torch.Tensor
    precision: float
    batch_statistics: bool

    def check(self, question: Question, x: torch.Tensor, out: torch.Tensor) -> None:
        """Refuse outputs in a batch that are not those of the examples alone."""
        different = _gaps(out, self.outputs, self.precision)
        for k in different:
            alone = call(question.module, x[k : k + 1]).detach()
            if len(_gaps(out[k : k + 1], alone, self.precision, _size(self.outputs))):
                if self.batch_statistics:
                    raise batch_statistics()
                gap = float((out[k] - alone[0]).abs().nan_to_num().max())
                raise mixing(
                    f"outputs that change by {gap:.2g} (of {_size(self.outputs):.2g}) with the rest of "
                    f"a batch of {len(x)}, first at example {k} of it"
                )


def expected(sketch: Sketch, side: int, rows: slice) -> Expected | None:
    """What is still to be compared for some examples of x1 (side 0) or x2."""
    outputs = sketch.alone[side]
    if outputs is None:
        return None
    return Expected(outputs[rows], sketch.precision, sketch.batch_statistics)


def everyone_alone(question: Question, sketch: Sketch, memory: float) -> Sketch:
    """Ask for each example alone; the sketch has the outputs and uses of all of them."""
    found: list[torch.Tensor | None] = []
    for x in (question.x1, question.x2):
        outputs = None if x is None else _at_once(question, sketch, x, memory)
        if x is not None and outputs is None:
            sketch, outputs = _one_by_one(question, sketch, x)
        found.append(outputs)
    return sketch._replace(alone=(found[0], found[1]))


def _at_once(
    question: Question, sketch: Sketch, x: torch.Tensor, memory: float
) -> torch.Tensor | None:
    """Outputs (n, C) by `vmap`; None where it cannot follow, as where a way depends on the data."""
    bytes_each = 2 * max(1, sketch.numbers) * question.parameters[0].element_size()
    size = max(1, min(len(x), int(memory / bytes_each)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            each = vmap(lambda one: question.module(one[None])[0])
            blocks = []
            for block in x.split(size):
                with attributes_restored(
                    question.module
                ):  # what it remembers of a pass has no meaning outside of it
                    blocks.append(each(block.clone()).detach())
            found = torch.cat(blocks)
    except Exception:  # whatever user code raises when it meets a tensor it does not know
        return None
    return found if found.shape == (len(x), sketch.num_outputs) else None


def _one_by_one(question: Question, sketch: Sketch, x: torch.Tensor) -> tuple[Sketch, torch.Tensor]:
    """Outputs (n, C) of one watched pass for each example, and what was seen in it."""
    outputs = []
    for one in x:
        recorder, out = record(question, one[None], sketch.fixed)
        sketch = together(sketch, recorder)
        outputs.append(out.detach())
    return sketch, torch.cat(outputs)


def _size(outputs: torch.Tensor) -> float:
    return float(torch.where(torch.isfinite(outputs), outputs, 0.0).abs().max())


def _gaps(
    one: torch.Tensor, two: torch.Tensor, precision: float, size: float | None = None
) -> list[int]:
    """Numbers of the examples whose outputs differ by more than rounding."""
    bound = 4 * precision ** (2 / 3) * (_size(two) if size is None else size)
    finite = torch.isfinite(one) & torch.isfinite(two)
    gap = torch.where(finite, (one - two).abs(), 0.0)
    apart = (gap > bound) | (torch.isfinite(one) != torch.isfinite(two))
    return apart.any(1).nonzero()[:, 0].tolist()
