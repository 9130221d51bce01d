"""Which network does a coordinate check look at, over which widths?"""

from dataclasses import dataclass
from typing import Any, Literal, final

from lazyscope._checks import InputError
from lazyscope._entry import check_fields
from lazyscope.scaling import OptimiserName
from lazyscope.study.coordinates._find import find_build, module_and_name


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
        steps: steps of training; 16 of plain descent, 4 of a training of your own unless given.
        target: kind of target: classes, parity or value.
        readout: layers that write the output; else found.
        raw_inputs: leave inputs at their size instead of norm one.
        input_shape: axes of one input, such as 8,8, for networks of images or sequences; rows unless given.
        expect: parametrisation that the network should have: ntk, standard or mup; without one the
            verdict is whether the regime is decided.
        optimizer: who trains: sgd, momentum, adam, adamw, sign, lion or muon; without one, and without train,
            plain descent that finds its own steps.
        train: a function of a module, as MODULE:NAME, that makes an optimiser of PyTorch, or trains; a
            transformation of Optax as well.
        lr: learning rate of the optimizer; 0.001 unless given, 0.1 for sgd, 0.01 for momentum.
        decay: weight decay of adamw.
        loss: squared or cross-entropy, of a training.
        batch_size: points of every step of a training; all unless given.
        axis: what the widths are of; depth, heads, rank or another name.
    """

    build: str
    data: str = "digits"
    widths: tuple[int, ...] = (64, 128, 256, 512)
    seeds: int = 4
    num_points: int = 24
    steps: int | None = None
    target: str | None = None
    readout: tuple[str, ...] | None = None
    raw_inputs: bool = False
    input_shape: tuple[int, ...] | None = None
    expect: Literal["ntk", "standard", "mup"] | None = None
    optimizer: OptimiserName | None = None
    train: str | None = None
    lr: float | None = None
    decay: float = 0.0
    loss: Literal["squared", "cross-entropy"] = "squared"
    batch_size: int | None = None
    axis: str = "width"

    def __post_init__(self) -> None:
        check_fields(self)
        module_and_name(self.build)
        if self.train is not None:
            module_and_name(self.train)
        if self.expect is not None and self.axis != type(self).axis:
            raise not_of_widths(self.expect, self.axis)  # before anything is trained
        if self.train is not None and self.optimizer is not None:
            raise InputError(
                "a training must be said once",
                received=f"optimizer {self.optimizer} and train {self.train}",
                cause="two who train",
                fix="leave one of them out",
            )

    def training(self) -> dict[str, Any]:
        """Arguments of `coordinate_check` that say who trains; none for plain descent."""
        given = {
            name: getattr(self, name)
            for name in ("lr", "decay", "loss", "batch_size", "axis")
            if getattr(self, name) != getattr(type(self), name)
        }
        if self.optimizer is not None:
            return {"train": self.optimizer} | given
        return (
            given if self.train is None else {"train": find_build(self.train, "f(module)")} | given
        )


def not_of_widths(expected: str, axis: str) -> InputError:
    """A refusal of a parametrisation that is expected along another axis than the width."""
    return InputError(
        f"{expected} says how networks depend on their width",
        received=f"a check along the axis {axis}",
        cause="an expectation for another axis",
        fix="leave expect out, and read how the arrays move",
    )
