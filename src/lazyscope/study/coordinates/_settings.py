"""Which network does a coordinate check look at, over which widths?"""

from dataclasses import dataclass
from typing import Literal, final

from lazyscope._entry import check_fields
from lazyscope.study.coordinates._find import module_and_name


@final
@dataclass(frozen=True)
class CoordinateSettings:
    """What a coordinate check does.

    Attributes:
        build: a function build(width, seed) of a module; MODULE is looked for in the current folder too, and
            a path that ends in .py works as well.
        data: source of the points, some tens of which are enough.
        widths: widths, at least three.
        seeds: networks of every width.
        num_points: training points.
        steps: steps of descent.
        target: kind of target: classes, parity or value.
        readout: layers that write the output; else found.
        raw_inputs: leave inputs at their size instead of norm one.
        expect: parametrisation that the network should have: ntk, standard or mup; without one the
            verdict is whether the regime is decided.
    """

    build: str
    data: str = "digits"
    widths: tuple[int, ...] = (64, 128, 256, 512)
    seeds: int = 4
    num_points: int = 24
    steps: int = 16
    target: str | None = None
    readout: tuple[str, ...] | None = None
    raw_inputs: bool = False
    expect: Literal["ntk", "standard", "mup"] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        module_and_name(self.build)
