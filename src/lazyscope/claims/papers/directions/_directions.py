"""Which claims are made about the directions of small input weights beyond two layers and tanh?"""

from collections.abc import Iterator

from lazyscope.claims._finding import Claim, Effort, Finding
from lazyscope.claims.papers.directions import _deeper, _multiplicity, _staircase, _transition
from lazyscope.claims.papers.directions._deeper import deeper_findings, deeper_rows
from lazyscope.claims.papers.directions._multiplicity import (
    multiplicity_findings,
    multiplicity_rows,
)
from lazyscope.claims.papers.directions._staircase import staircase_findings, staircase_rows
from lazyscope.claims.papers.directions._transition import transition_findings, transition_rows

_QUICK = 3


def check_directions(effort: Effort) -> tuple[Finding, ...]:
    """Directions of a double zero, where gathering begins, three layers, a convolution, a staircase."""
    return tuple(_findings(effort))


def _findings(effort: Effort) -> Iterator[Finding]:
    if effort == "quick":
        yield from multiplicity_findings(range(_QUICK))
        return
    yield from multiplicity_findings(range(_multiplicity.SETS))
    yield from transition_findings(range(_transition.SETS))
    yield from deeper_findings(range(_deeper.SETS))
    yield from staircase_findings(
        range(_staircase.FIRST_SEED, _staircase.FIRST_SEED + _staircase.SEEDS)
    )


DIRECTIONS = Claim(
    name="directions",
    source=(
        "Zhou et al. 2022 (arXiv 2105.11686), Luo et al. 2021 (arXiv 2007.07497), Zhou et al. 2023 "
        "(arXiv 2305.09947), Chen & Luo 2024 (arXiv 2402.15958), Xu et al. 2025 (arXiv 2504.09484); "
        "powers derived in docs/theory.md"
    ),
    statement=(
        "An activation with a double zero lets small input weights gather on four directions, not two, and "
        "at equal scales one unit takes all; below gamma' = gamma - 1 weights gather, above they do not; the "
        "first layer of three gathers in a blow-up, and the kernels of a convolution on the mean patch of "
        "the targets; while a small ReLU network trains, directions grow in number."
    ),
    check=check_directions,
    rows=(*multiplicity_rows(), *transition_rows(), *deeper_rows(), *staircase_rows()),
)
