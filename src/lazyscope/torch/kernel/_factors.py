"""Which data and backward signals does a block of examples have at the places of a plan?"""

import math
from collections.abc import Sequence
from typing import final

import torch

from lazyscope.torch._question import Question, call
from lazyscope.torch.kernel._example_axis import Layout, Rows
from lazyscope.torch.kernel._example_of_row import Owners, find_owners, make_marks, noise
from lazyscope.torch.kernel._jacobian import jacobians
from lazyscope.torch.kernel._per_example import Expected
from lazyscope.torch.kernel._plan import ParameterPlan, Plan, only_lookups
from lazyscope.torch.kernel._plan_check import UnforeseenError, by_group, check_foreseen
from lazyscope.torch.kernel._probe import Sketch, check_kept, record
from lazyscope.torch.kernel._vjp import gradients_or_none
from lazyscope.torch.kernel.orders._pair import Factors, GroupFactors, outer_products
from lazyscope.torch.uses._uses import Placed, Use

Signals = list[torch.Tensor]
"""What arrives at a use, for each output."""

ParameterFactors = tuple[GroupFactors, ...] | torch.Tensor | None
"""Of every group; or gradients (n, C, size of the parameter); or None where it is not used."""


def block_factors(
    question: Question,
    sketch: Sketch,
    plan: Plan,
    x: torch.Tensor,
    expected: Expected | None = None,
    known: dict[int, Owners] | None = None,
) -> list[ParameterFactors]:
    """One forward pass and C + 1 backward passes over a block of examples.

    ``expected`` is what the module makes of each of them alone, if it shall be compared; ``known`` keeps,
    for the next time that the same block is asked for, to which examples the rows belong.

    Raises `UnforeseenError` where a parameter is used in a way that the plan does not know.
    """
    factors = check_block(question, sketch, plan, x, expected, known)
    fallen = [k for k, p in enumerate(plan.parameters) if p.method == "jacobian"]
    if fallen:
        factors |= zip(fallen, jacobians(question, fallen, x), strict=True)
    return [factors.get(k) for k in range(len(plan.parameters))]


def check_block(
    question: Question,
    sketch: Sketch,
    plan: Plan,
    x: torch.Tensor,
    expected: Expected | None = None,
    known: dict[int, Owners] | None = None,
) -> dict[int, ParameterFactors]:
    """`block_factors` without the Jacobians, by the numbers of the parameters."""
    if any(each.method != "jacobian" for each in plan.parameters):
        return _by_uses(question, sketch, plan, x, expected, {} if known is None else known)
    if expected is not None:
        expected.check(question, x, call(question.module, x).detach())
    return {}


def _by_uses(
    question: Question,
    sketch: Sketch,
    plan: Plan,
    x: torch.Tensor,
    expected: Expected | None,
    known: dict[int, Owners],
) -> dict[int, ParameterFactors]:
    recorder, out = record(question, x, sketch.fixed)
    if expected is not None:
        expected.check(question, x, out.detach())
    check_kept(recorder)
    placed = tuple(recorder.placed)
    check_foreseen(plan, recorder, len(x))
    groups = by_group(sketch, plan, placed, len(x))
    fallen = {k for k, p in enumerate(plan.parameters) if p.method == "jacobian"}
    wanted = [k for k, p in enumerate(placed) if p.size and p.use.view.parameter not in fallen]
    signals = _signals(out, placed, wanted)
    if signals and not known:
        known.update(_owners(out, placed, signals, recorder.precision))
    source = _Source(placed, signals, known, len(x), question.parameters[0].dtype)
    factors: dict[int, ParameterFactors] = {}
    for k, each in enumerate(plan.parameters):
        if each.method == "groups":
            factors[k] = tuple(
                source.group(straight, transposed, _as_rows(sketch, each, g))
                for g, (straight, transposed) in enumerate(groups[k])
            )
        elif each.method == "assembled":
            mine = [j for j in wanted if placed[j].use.view.parameter == k]
            factors[k] = source.assembled(mine, question.parameters[k].numel())
    return factors


def _as_rows(sketch: Sketch, plan: ParameterPlan, group: int) -> bool:
    """Whether the data of a group stay row numbers."""
    return plan.orders[group].takes_rows and only_lookups(sketch, plan.groups[group])


def _signals(
    out: torch.Tensor, placed: Sequence[Placed], wanted: Sequence[int]
) -> dict[int, Signals]:
    """Derivatives of every output with respect to what each use gives out; the last one is kept open."""
    signals: dict[int, Signals] = {}
    rows = []
    for c in range(out.shape[1] if wanted else 0):
        ones = torch.zeros_like(out)
        ones[:, c] = 1.0
        rows.append(_pulled_back(out, ones, placed, wanted))
    for k in wanted:
        found = [row[k] for row in rows]
        some = next((each for each in found if each is not None), None)
        if some is not None:
            zero = torch.zeros_like(some)
            signals[k] = [zero if each is None else each for each in found]
    return signals


def _pulled_back(
    out: torch.Tensor, weights: torch.Tensor, placed: Sequence[Placed], wanted: Sequence[int]
) -> dict[int, torch.Tensor | None]:
    """One backward pass to the places that are wanted."""
    keys = {k: (placed[k].edge.node, placed[k].edge.output_nr) for k in wanted}
    edges = {keys[k]: placed[k].edge for k in wanted}
    found = gradients_or_none(out, list(edges.values()), weights)
    by_key = dict(zip(edges, found, strict=True))
    return {k: by_key[key] for k, key in keys.items()}


def _owners(
    out: torch.Tensor, placed: Sequence[Placed], signals: dict[int, Signals], precision: float
) -> dict[int, Owners]:
    """To which examples the rows of every use belong.

    The outputs are joined with fixed weights, so that every output counts.
    """
    wanted = list(signals)
    joined = torch.cos(torch.arange(out.shape[1], device=out.device)).to(out.dtype)
    plain = {k: s[0] for k, s in signals.items()}
    if len(out) == 1:
        return {k: _only(placed[k].use, plain[k]) for k in wanted}
    if len(joined) > 1:
        plain = _filled_up(_pulled_back(out, joined.expand_as(out), placed, wanted), plain)
    largest = max(float(each.abs().max()) if each.numel() else 0.0 for each in plain.values())
    marks = make_marks(len(out), out, precision)
    marked = [
        _filled_up(
            _pulled_back(out, weights.to(out.dtype)[:, None] * joined, placed, wanted), plain
        )
        for weights in marks.passes
    ]
    allowed, found, shared = noise(precision, largest), {}, {}
    for k in wanted:
        use = placed[k].use
        rows = [each[k] for each in marked]
        one, axes, num_axes = plain[k], range(0), 0
        if use.direct:
            axes, num_axes = use.summed_axes(one.dim()), use.row_axes(one.dim())
        else:
            one, rows = use.signal(one), [use.signal(each) for each in rows]
            num_axes = one.dim() - 2
            axes = range(num_axes)
        owners = find_owners(one, rows, marks, axes, num_axes, allowed)
        if owners is None:
            shared[use.view.parameter] = f"{use.kind} of what several examples share"
        else:
            found[k] = owners
    if shared:
        raise UnforeseenError({k: (reason,) for k, reason in shared.items()}, ())
    return found


def _filled_up(
    found: dict[int, torch.Tensor | None], like: dict[int, torch.Tensor]
) -> dict[int, torch.Tensor]:
    """Zeros where nothing arrived."""
    return {k: torch.zeros_like(like[k]) if each is None else each for k, each in found.items()}


def _only(use: Use, signal: torch.Tensor) -> Owners:
    """All rows, where there is a single example."""
    axes = use.summed_axes(signal.dim()) if use.direct else [0]
    if axes:
        return Layout(axes[0], True)
    count = math.prod(signal.shape[: use.row_axes(signal.dim())])
    return Rows(torch.zeros(count, dtype=torch.long, device=signal.device))


@final
class _Source:
    """What one forward pass and its backward passes left at every use."""

    def __init__(
        self,
        placed: Sequence[Placed],
        signals: dict[int, Signals],
        owners: dict[int, Owners],
        num_examples: int,
        dtype: torch.dtype,
    ) -> None:
        self._placed, self._signals, self._owners = placed, signals, owners
        self._n, self._dtype = num_examples, dtype

    def group(
        self, straight: Sequence[int], transposed: Sequence[int], as_rows: bool
    ) -> GroupFactors:
        """Factors of a group, the uses of one order joined along the positions."""
        return GroupFactors(
            self._joined(straight, as_rows), self._joined(transposed, as_rows=False)
        )

    def _joined(self, uses: Sequence[int], as_rows: bool) -> Factors | None:
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
                self._by_example(k, use.signal(g), 2).reshape(self._n, -1, b, o)
                for g in self._signals[k]
            ],
            dim=1,
        ).transpose(2, 3)
        signals = signals.to(self._dtype)
        if use.view.scale != 1.0:
            signals = signals * use.view.scale
        data = use.data(use.carrier)
        if not use.lookup:
            rows = self._by_example(k, data, 2).reshape(self._n, 1, -1, b, i)
            return Factors(rows.transpose(2, 3).to(self._dtype), signals)
        rows = self._by_example(k, data, 0, filler=-1).reshape(self._n, -1)
        if as_rows:
            return Factors(rows, signals)
        one_hot = rows[:, None, None, :, None] == torch.arange(i, device=rows.device)
        return Factors(one_hot.to(signals.dtype), signals)

    def _by_example(
        self, k: int, tensor: torch.Tensor, inner: int, filler: float = 0
    ) -> torch.Tensor:
        """A tensor with `inner` axes behind those of the rows as (n, rows of an example, ...)."""
        owners = self._owners[k]
        if isinstance(owners, Layout):
            return owners.by_example(tensor, self._n)
        return owners.by_example(tensor, tensor.dim() - inner, self._n, filler)

    def assembled(self, uses: Sequence[int], size: int) -> torch.Tensor | None:
        """Gradients (n, C, size) put together from all uses of a parameter."""
        total = None
        for k in uses:
            if k not in self._signals:
                continue
            use = self._placed[k].use
            found = self._direct(k, size) if use.direct else self._gradient(k, size)
            total = found if total is None else total + found
        return total

    def _gradient(self, k: int, size: int) -> torch.Tensor:
        """Gradients (n, C, size) of one product or lookup."""
        data, signals = self._factors(k, as_rows=False)
        use, found = self._placed[k].use, outer_products(signals, data)
        numbers = use.arrange(use.view.numbers()).flatten()
        spread = found.new_zeros(*found.shape[:2], size)
        return spread.index_add_(2, numbers.to(found.device), found)

    def _direct(self, k: int, size: int) -> torch.Tensor:
        """Gradients (n, C, size) of an array that is added or multiplied."""
        use, owners = self._placed[k].use, self._owners[k]
        products = [use.signal(g).to(self._dtype) for g in self._signals[k]]
        if isinstance(owners, Rows):
            parts = [self._scattered(use, owners, each, size) for each in products]
            found = torch.stack(parts, dim=1)
        else:
            found = torch.stack([self._folded(use, owners, each) for each in products], dim=1)
            if use.view.entries is not None:
                numbers = use.view.numbers().flatten().to(found.device)
                spread = found.new_zeros(*found.shape[:2], size)
                found = spread.index_add_(2, numbers, found)
        return found if use.view.scale == 1.0 else found * use.view.scale

    def _folded(self, use: Use, layout: Layout, product: torch.Tensor) -> torch.Tensor:
        """Sums (n, entries) over positions, where the examples lie along one axis."""
        shape = use.aligned(product.dim())
        kept = [size for a, size in enumerate(shape) if a != layout.axis]
        folded = layout.by_example(product, self._n)
        summed = [1] + [2 + a for a, size in enumerate(kept) if size == 1]
        return folded.sum(summed).reshape(self._n, -1)

    def _scattered(self, use: Use, rows: Rows, product: torch.Tensor, size: int) -> torch.Tensor:
        """Sums (n, size), row by row."""
        owner = rows.owner
        numbers = use.view.numbers().to(product.device)
        numbers = numbers.reshape(use.aligned(product.dim())).expand(product.shape)
        numbers, product = numbers.reshape(len(owner), -1), product.reshape(len(owner), -1)
        own = owner >= 0
        places = (owner[own, None] * size + numbers[own]).flatten()
        total = product.new_zeros(self._n * size)
        return total.index_add_(0, places, product[own].flatten()).reshape(self._n, size)
