"""What will a sweep cost, before it runs?

Time of a run = steps * time of a step. The time of a step is a fixed overhead plus the larger of
arithmetic and memory traffic, counted from the shapes. The number of steps is an expectation from
the displacement law: a network that moves little needs few exponential steps, one whose layers grow
needs more. Orders of magnitude, meant to tell a minute from a day and to cut work evenly.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from lazyscope._checks import InputError, check_count
from lazyscope._cores import usable_cores
from lazyscope._entry import checked
from lazyscope._result import AbstractResult
from lazyscope.experiment import (
    DEFAULT_TOLERANCE,
    Value,
    data_sizes,
    network_of,
    run_scheme,
    spread_of_kappa,
    width_of,
)
from lazyscope.model import activation, physical_memory
from lazyscope.scaling import displacement_exponents
from lazyscope.sweep.design._design import Cell, SweepDesign
from lazyscope.sweep.design._units import shape_of

STEP_OVERHEAD = 3e-5
"""Seconds of a step on nothing: about a hundred small operations of a compiled loop."""

FLOPS_PER_SECOND = 1.5e10
BYTES_PER_SECOND = 1e10
"""Per core, double precision; products with a few rows reach no more on a usual laptop."""

COMPILE_SECONDS = 3.0
"""For each shape."""

STEPS_AT_REST = 10.0
STEPS_OF_CHANGE = 200.0
STEPS_PER_EFOLD = 25.0
"""Exponential steps of a network that does not move, of one that moves by more than its size, and
for each further factor e of growth, at tolerance 0.05; read off the (gamma, gamma') plane of four
points. Networks with kinks take steps in inverse proportion to the tolerance, smooth ones to its root.
"""

COPIES = 6
"""Arrays of the size of the parameters, and of the activations, that a run holds at once."""


@final
@dataclass(frozen=True, repr=False)
class CostEstimate(AbstractResult):
    """What a sweep is expected to take on this machine.

    Attributes:
        num_cells: runs.
        num_shapes: compiled programs.
        seconds: wall time with `num_workers` workers, compilation included.
        num_workers: workers that share the runs.
        largest_run: bytes of memory that the largest run needs.
        memory: bytes of memory of this machine.
    """

    num_cells: int
    num_shapes: int
    seconds: float
    num_workers: int
    largest_run: float
    memory: float

    @property
    def sentence(self) -> str:
        """The estimate in words, with how it was made."""
        return (
            f"{self.num_cells} runs in {self.num_shapes} shapes, about {_duration(self.seconds)} on "
            f"{self.num_workers} workers of this machine's kind, within a factor of about three "
            "(steps expected from the displacement law times the arithmetic and memory traffic of a "
            f"step, plus {COMPILE_SECONDS:g} s of compilation per shape); the largest run needs "
            f"{self.largest_run / 2**20:,.0f} MiB of {self.memory / 2**30:,.1f} GiB."
        )


@checked()
def estimate_cost(design: SweepDesign, *, num_workers: int | None = None) -> CostEstimate:
    """What `design` is expected to take on `num_workers` workers, all usable cores unless given.

    Raises:
        InputError: the largest runs, one per worker, do not fit into this machine's memory.

    Example:
        >>> design = SweepDesign(axes={"width": [8], "seed": [0, 1]}, fixed={"scheme": "ntk"})
        >>> estimate_cost(design, num_workers=1).num_shapes
        1
    """
    workers = usable_cores() if num_workers is None else check_count("num_workers", num_workers)
    cells = list(design.cells())
    shapes = {shape_of(cell.settings) for cell in cells}
    memory = physical_memory()
    largest = check_memory(cells, memory / workers)
    work = sum(run_seconds(cell.settings) for cell in cells)
    seconds = (work + COMPILE_SECONDS * len(shapes)) / workers
    return CostEstimate(len(cells), len(shapes), seconds, workers, largest, memory)


def check_memory(cells: Iterable[Cell], room: float | None) -> float:
    """Bytes that the largest of `cells` needs; refused where a worker has not as much `room`.

    Raises:
        InputError: a run that is too large.
    """
    largest = max((run_bytes(cell.settings) for cell in cells), default=0.0)
    if room is not None and largest > room:
        raise InputError(
            "the runs that are done at the same time must fit into memory",
            received=f"{largest / 2**30:,.1f} GiB for the largest run, where each worker has "
            f"{room / 2**30:,.1f} GiB",
            cause="a large width, or many data points with many outputs",
            fix="use fewer workers, a smaller width or fewer points, or a cluster",
        )
    return largest


def run_seconds(settings: Mapping[str, Value]) -> float:
    """Expected wall time of a run, in seconds on one core."""
    return expected_steps(settings) * step_seconds(settings)


def expected_steps(settings: Mapping[str, Value]) -> float:
    """Expected number of steps: from the largest displacement exponent for the flow.

    Gradient descent needs about the condition number of the kernel, which is not known before it is
    computed: all steps that it, or another optimiser, may take are counted.
    """
    most = float(settings["max_steps"])  # type: ignore[arg-type]
    if settings["method"] != "flow":
        return most
    told = {name: value for name, value in settings.items() if value is not None}
    moved = _expected_displacement(told)
    steps = STEPS_AT_REST + STEPS_OF_CHANGE * moved / (1 + moved)
    steps += STEPS_PER_EFOLD * math.log1p(moved)
    smooth = activation(str(settings["activation"])).smooth
    tolerance = float(told.get("tolerance", DEFAULT_TOLERANCE))  # type: ignore[arg-type]
    return min(most, steps * (DEFAULT_TOLERANCE / tolerance) ** (0.5 if smooth else 1.0))


def _expected_displacement(told: Mapping[str, Value]) -> float:
    """Largest relative displacement, but for a constant: 1/kappa, or what the law says of exponents."""
    if "spread" in told:
        return 1.0 / spread_of_kappa(told)[1]
    scheme = run_scheme(told)
    exponents = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents)
    return math.exp(min(50.0, max(exponents) * math.log(width_of(told))))


def step_seconds(settings: Mapping[str, Value]) -> float:
    """Expected wall time of one step, in seconds on one core.

    A step evaluates network and kernel at two points, diagonalises the kernel once and writes the
    parameters once.
    """
    parameters, units, n, outputs = _sizes(settings)
    rows = n * outputs
    kernel = 2 * (units * rows**2 + 2 * parameters * rows) * (settings["method"] == "flow")
    flops = 2 * kernel + 6 * n * parameters + 10 * rows**3 * (settings["method"] == "flow")
    traffic = 8 * (6 * parameters + 12 * units * rows)
    return STEP_OVERHEAD + max(flops / FLOPS_PER_SECOND, traffic / BYTES_PER_SECOND)


def run_bytes(settings: Mapping[str, Value]) -> float:
    """Memory that one run needs, in bytes."""
    parameters, units, n, outputs = _sizes(settings)
    return 8.0 * COPIES * (parameters + units * n * outputs + (n * outputs) ** 2)


def _sizes(settings: Mapping[str, Value]) -> tuple[int, int, int, int]:
    """Parameters, hidden units, points and outputs of a run."""
    n, d, outputs = data_sizes(settings)
    width, depth = int(settings["width"]), int(settings["depth"])  # type: ignore[arg-type]
    if settings.get("model", "dense") != "dense":
        network = network_of(settings, d, outputs)
        positions = d if "convolution" in str(settings["model"]) else 1
        return network.num_parameters, width * len(network.shapes) * positions, n, outputs
    parameters = width * d + (depth - 1) * width**2 + width * outputs
    return parameters, width * depth, n, outputs


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
