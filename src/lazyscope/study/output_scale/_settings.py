"""Over which scales and widths is the crossover of scaled outputs looked for?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final, get_args

from lazyscope._checks import check_choice, check_count, check_positive
from lazyscope.data import TargetKind
from lazyscope.model import activation_names
from lazyscope.scaling import scheme_parameters
from lazyscope.study._grid_settings import AbstractGridSettings
from lazyscope.sweep import SweepDesign


@final
@dataclass(frozen=True, kw_only=True)
class OutputScaleSettings(AbstractGridSettings):
    """What the study of the output scale runs.

    Every quantity that tells lazy from rich training is compared between widths at equal alpha and at
    equal alpha m^p; p is estimated from the alpha at which the quantity comes down through a level,
    and is predicted to be the exponent of the scheme's kappa: 1/2 for NTK scaling. On the lazy side
    the displacement is predicted to fall like 1/alpha.

    Attributes:
        output_scale: values of alpha, the factor in front of the network, increasing.
        scheme: named scheme behind the factor; kappa is alpha times its kappa at the width.
        depth: hidden layers.
        activation: nonlinearity; smooth by default, as with kinks, which few neurons cross at a time, the
            distance from the linearised network does not collapse.
        data: source of the points.
        target: kind of target: classes, parity or value.
        num_points: training points.
        input_dim: features of the points, where the data are made to order.
        num_test: test points, for the distance from the linearised network and the test error.

    Cost: 210 runs by default, 68 s of processor time with compilation.

    Trust: the theory is about m -> infinity at fixed kappa. At width 64 the operator norm of the
    first layer still holds sqrt(d) beside sqrt(m); the intervals include such corrections. At
    tolerance 0.1 the distance from the linearised network is the solver's where it is below 1e-3 (at
    width 1024 it wanders between 3e-4 and 2e-3, where it falls evenly to 2e-4 at tolerance 1e-3).

    Reference:
        Geiger, Spigler, Jacot & Wyart 2020 (arXiv 1906.08034), figures of the collapse on
        alpha sqrt(h); Chizat, Oyallon & Bach 2019 (arXiv 1812.07956), theorem 2.4 and figures.
        Their loss is divided by alpha^2, which only changes the unit of time.
    """

    axes = ("output_scale",)
    record: ClassVar[tuple[str, ...]] = ("displacement", "kernel", "linearisation")

    output_scale: tuple[float, ...] = field(
        default_factory=lambda: tuple(2.0**k for k in range(-5, 9))
    )
    widths: tuple[int, ...] = (64, 256, 1024, 4096, 16384)
    scheme: str = "ntk"
    depth: int = 1
    activation: str = "softplus"
    data: str = "digits"
    target: str | None = "parity"
    num_points: int = 32
    input_dim: int | None = None
    num_test: int = 256
    stop: float = 1e-3
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for scale in self.output_scale:
            check_positive("output_scale", scale)
        check_choice("activation", self.activation, activation_names())
        if self.target is not None:
            check_choice("target", self.target, get_args(TargetKind))
        for name in ("depth", "num_points"):
            check_count(name, getattr(self, name))
        if self.input_dim is not None:
            check_count("input_dim", self.input_dim)
        scheme_parameters(self.scheme)

    def fixed(self) -> Mapping[str, Any]:
        """A centred network in a named scheme."""
        return {
            "scheme": self.scheme,
            "depth": self.depth,
            "activation": self.activation,
            "centred": True,
            "num_points": self.num_points,
            "num_test": self.num_test,
            "target": self.target,
            "input_dim": self.input_dim,
        }

    def design(self) -> SweepDesign:
        """The sweep that the study runs; that of ``examples/sweeps/output-scale.toml`` by default."""
        return self.sweep("output-scale")
