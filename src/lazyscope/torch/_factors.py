"""Which data and backward signals does a block of examples have at the places of a plan?"""

from typing import NamedTuple

import torch

from lazyscope.torch._jacobian import jacobians
from lazyscope.torch._layout import Layout
from lazyscope.torch._plan import Group, Plan, only_lookups
from lazyscope.torch._probe import Sketch, kind_of, record
from lazyscope.torch._question import Question
from lazyscope.torch._refusals import mixing
from lazyscope.torch._uses import Placed


class Factors(NamedTuple):
    """Data (n, C or 1, b, s, i) or rows (n, s), and signals (n, C or 1, b, s, o)."""

    data: torch.Tensor
    signals: torch.Tensor


class GroupFactors(NamedTuple):
    """Factors of the uses in the group's order, and of the transposed ones."""

    straight: Factors | None
    transposed: Factors | None


Signals = list[torch.Tensor]
"""What arrives at a use, for each output."""

ParameterFactors = tuple[GroupFactors, ...] | torch.Tensor | None
"""Of every group; or gradients (n, C, size of the parameter); or None where it is not used."""


def block_factors(
    question: Question, sketch: Sketch, plan: Plan, x: torch.Tensor
) -> list[ParameterFactors]:
    """One forward pass and C backward passes over a block of examples."""
    wanted = sorted({k for p in plan.parameters if p.method in _BY_USES for k in p.uses})
    signals: dict[int, Signals] = {}
    placed: tuple[Placed, ...] = ()
    if wanted:
        recorder, out = record(question, x, sketch.fixed)
        placed = tuple(recorder.placed)
        _check_same(sketch, placed)
        signals = _signals(out, placed, wanted)
        del out, recorder
    fallen = [k for k, p in enumerate(plan.parameters) if p.method == "jacobian"]
    factors: dict[int, ParameterFactors] = {}
    if fallen:
        factors |= zip(fallen, jacobians(question, fallen, x), strict=True)
    source = _Source(sketch, placed, signals, len(x))
    for k, each in enumerate(plan.parameters):
        if each.method == "groups":
            factors[k] = tuple(source.group(group) for group in each.groups)
        elif each.method == "assembled":
            factors[k] = source.assembled(each.uses, question.parameters[k].numel())
    return [factors.get(k) for k in range(len(plan.parameters))]


_BY_USES = ("groups", "assembled")


def _check_same(sketch: Sketch, placed: tuple[Placed, ...]) -> None:
    """A block must take the same way through the module as the examples of the probe."""
    if [kind_of(use) for use in sketch.uses] != [kind_of(each.use) for each in placed]:
        raise mixing("a module that computes something else for a larger batch")


def _signals(
    out: torch.Tensor, placed: tuple[Placed, ...], wanted: list[int]
) -> dict[int, Signals]:
    """Derivatives of every output with respect to what each use gives out."""
    keys = {k: (placed[k].edge.node, placed[k].edge.output_nr) for k in wanted}
    edges = {keys[k]: placed[k].edge for k in wanted}
    rows = []
    for c in range(out.shape[1]):
        ones = torch.zeros_like(out)
        ones[:, c] = 1.0
        more = c + 1 < out.shape[1]
        found = torch.autograd.grad(
            out, list(edges.values()), ones, retain_graph=more, allow_unused=True
        )
        rows.append(dict(zip(edges, found, strict=True)))
    signals = {}
    for k, key in keys.items():
        some = next((row[key] for row in rows if row[key] is not None), None)
        if some is not None:
            zero = torch.zeros_like(some)
            signals[k] = [zero if row[key] is None else row[key] for row in rows]
    return signals


class _Source:
    """What one forward pass and its backward passes left at every use."""

    def __init__(
        self,
        sketch: Sketch,
        placed: tuple[Placed, ...],
        signals: dict[int, Signals],
        num_examples: int,
    ) -> None:
        self._sketch, self._placed, self._signals = sketch, placed, signals
        self._n = num_examples

    def group(self, group: Group) -> GroupFactors:
        """Factors of a group, the uses of one order joined along the positions."""
        rows = only_lookups(self._sketch, group)
        return GroupFactors(
            self._joined(group.straight, rows and group.method == "grams"),
            self._joined(group.transposed, as_rows=False),
        )

    def _joined(self, uses: tuple[int, ...], as_rows: bool) -> Factors | None:
        parts = [self._factors(k, as_rows) for k in uses if k in self._signals]
        if not parts:
            return None
        if len(parts) == 1:
            return parts[0]
        data, signals = zip(*parts, strict=True)
        return Factors(torch.cat(data, 1 if as_rows else 3), torch.cat(signals, 3))

    def _factors(self, k: int, as_rows: bool) -> Factors:
        use = self._placed[k].use
        b, o, i = use.sizes
        signals = torch.stack(
            [
                self._by_example(k, use.signal(g)).reshape(self._n, -1, b, o)
                for g in self._signals[k]
            ],
            dim=1,
        ).transpose(2, 3)
        if use.view.scale != 1.0:
            signals = signals * use.view.scale
        data = self._by_example(k, use.data(use.carrier))
        if not use.lookup:
            return Factors(data.reshape(self._n, 1, -1, b, i).transpose(2, 3), signals)
        rows = data.reshape(self._n, -1)
        if as_rows:
            return Factors(rows, signals)
        one_hot = rows[:, None, None, :, None] == torch.arange(i, device=rows.device)
        return Factors(one_hot.to(signals.dtype), signals)

    def _by_example(self, k: int, tensor: torch.Tensor) -> torch.Tensor:
        layout = self._sketch.layouts[k]
        assert layout is not None
        return layout.by_example(tensor, self._n)

    def assembled(self, uses: tuple[int, ...], size: int) -> torch.Tensor | None:
        """Gradients (n, C, size) put together from all uses of a parameter."""
        total = None
        for k in uses:
            if k not in self._signals:
                continue
            use = self._placed[k].use
            found = self._direct(k) if use.direct else self._gradient(k)
            found = found * use.view.scale if use.direct and use.view.scale != 1.0 else found
            if use.view.entries is not None or not use.direct:
                numbers = use.view.numbers()
                numbers = (numbers if use.direct else use.arrange(numbers)).flatten()
                spread = found.new_zeros(*found.shape[:2], size)
                found = spread.index_add_(2, numbers.to(found.device), found)
            total = found if total is None else total + found
        return total

    def _gradient(self, k: int) -> torch.Tensor:
        """Gradients (n, C, b o i) of one product or lookup."""
        data, signals = self._factors(k, as_rows=False)
        return outer_products(signals, data)

    def _direct(self, k: int) -> torch.Tensor:
        """Gradients (n, C, entries) of an array that is added or multiplied."""
        use, layout = self._placed[k].use, self._sketch.layouts[k]
        assert layout is not None
        axis = layout.axis + use.offset
        found = []
        for g in self._signals[k]:
            product = use.signal(g)
            shape = [1] * (product.dim() - len(use.sizes)) + list(use.sizes)
            kept = [size for a, size in enumerate(shape) if a != axis]
            folded = Layout(axis, layout.major).by_example(product, self._n)
            summed = [1] + [2 + a for a, size in enumerate(kept) if size == 1]
            found.append(folded.sum(summed).reshape(self._n, -1))
        return torch.stack(found, dim=1)


def outer_products(columns: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Sums over positions of columns (n, C, b, s, o) times inputs (n, C', b, s, i): (n, C, b o i).

    One of C and C' is 1; the other joins its axis, so that it is one matrix product per example.
    """
    (n, c1, b, s, o), (_, c2, _, _, i) = columns.shape, inputs.shape
    if c2 == 1:
        left = columns.permute(0, 2, 1, 4, 3).reshape(n * b, c1 * o, s)
        product = torch.bmm(left, inputs.reshape(n * b, s, i)).reshape(n, b, c1, o, i)
        return product.transpose(1, 2).reshape(n, c1, b * o * i)
    left = columns.reshape(n * b, s, o).mT
    right = inputs.permute(0, 2, 3, 1, 4).reshape(n * b, s, c2 * i)
    product = torch.bmm(left, right).reshape(n, b, o, c2, i)
    return product.permute(0, 3, 1, 2, 4).reshape(n, c2, b * o * i)
