"""Does a block of examples use the parameters in the ways that the plan knows, and where?"""

from collections.abc import Mapping, Sequence

import torch

from lazyscope._portable import PortableError
from lazyscope.torch.kernel._plan import Plan, only_lookups
from lazyscope.torch.kernel._probe import Seen, Sketch, as_seen, same_entries
from lazyscope.torch.uses._recorder import Recorder
from lazyscope.torch.uses._uses import Placed, Use

Members = list[tuple[list[int], list[int]]]
"""For each group of a parameter the numbers of its uses, straight and transposed."""


class UnforeseenError(PortableError):
    """Some examples use parameters in ways that the plan does not know; it is made anew."""

    def __init__(self, reasons: Mapping[int, tuple[str, ...]], uses: Sequence[Seen]) -> None:
        super().__init__("a use that the plan does not know")
        self.reasons, self.uses = reasons, tuple(uses)

    def distrusted(self) -> "UnforeseenError":
        """The same with Jacobians for all parameters whose uses were new."""
        numbers = {seen.use.view.parameter for seen in self.uses}
        reasons = dict.fromkeys(numbers, ("entries that differ between examples",))
        return UnforeseenError({**reasons, **self.reasons}, ())


def learned(sketch: Sketch, found: UnforeseenError) -> Sketch:
    """The sketch with what was seen besides."""
    reasons = dict(sketch.reasons)
    for k, words in found.reasons.items():
        reasons[k] = tuple(dict.fromkeys((*reasons.get(k, ()), *words)))
    return sketch._replace(
        uses=(*sketch.uses, *(seen.use for seen in found.uses)),
        positions=(*sketch.positions, *(seen.positions for seen in found.uses)),
        reasons=reasons,
    )


def check_foreseen(plan: Plan, recorder: Recorder, num_examples: int) -> None:
    """Compare what a pass over a block saw with the methods of the plan."""
    methods = [each.method for each in plan.parameters]
    reasons = {k: tuple(w) for k, w in recorder.reasons.items() if methods[k] != "jacobian"}
    uses = [placed.use for placed in recorder.placed]
    new = [
        as_seen(use, num_examples)
        for use in uses
        if methods[use.view.parameter] == "unused"
        or (methods[use.view.parameter] == "groups" and use.direct)
    ]
    if reasons or new:
        raise UnforeseenError(reasons, new)


def by_group(
    sketch: Sketch, plan: Plan, placed: Sequence[Placed], num_examples: int
) -> dict[int, Members]:
    """The uses of a block sorted into the groups of every parameter that has some."""
    uses = [each.use for each in placed]
    found: dict[int, Members] = {
        k: [([], []) for _ in each.groups]
        for k, each in enumerate(plan.parameters)
        if each.method == "groups"
    }
    new: list[Seen] = []
    for k, use in enumerate(uses):
        number = use.view.parameter
        if number not in found:
            continue
        for group, members in zip(plan.parameters[number].groups, found[number], strict=True):
            known = sketch.uses[group.straight[0]]
            rows = only_lookups(sketch, group)
            if rows and not use.lookup:
                continue
            if _fits(use, known, transposed=False):
                members[0].append(k)
                break
            if not rows and _fits(use, known, transposed=True):
                members[1].append(k)
                break
        else:
            new.append(as_seen(use, num_examples))
    if new:
        raise UnforeseenError({}, new)
    return found


def _fits(use: Use, known: Use, transposed: bool) -> bool:
    """Whether a use has the entries of another in the same order, or in the transposed one."""
    if same_entries(use, known) and use.order == known.order and use.sizes == known.sizes:
        return not transposed
    b, o, i = use.sizes
    if known.sizes != ((b, i, o) if transposed else (b, o, i)):
        return False
    mine = use.arrange(use.view.numbers())
    return torch.equal(mine.mT if transposed else mine, known.arrange(known.view.numbers()))
