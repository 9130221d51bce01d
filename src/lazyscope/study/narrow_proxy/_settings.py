"""Which wide network is predicted, from which narrow ones, trained how?"""

from dataclasses import dataclass
from typing import Any, Literal, final

from lazyscope._entry import check_fields
from lazyscope.scaling import OptimiserName
from lazyscope.study.coordinates._find import module_and_name


@final
@dataclass(frozen=True)
class NarrowProxySettings:
    """What a prediction of a wide network does.

    Attributes:
        build: a function build(width, seed) of a module; MODULE is looked for in the current folder too, and
            a path that ends in .py works as well.
        width: width of the network that is predicted.
        proxy_widths: widths that are trained, at least two; a third tests the extrapolation.
        data: source of the points.
        num_points: training points.
        target: kind of target: classes, parity or value.
        raw_inputs: leave inputs at their size instead of norm one.
        input_shape: axes of one input, such as 8,8, for networks of images or sequences; rows unless given.
        optimizer: sgd, momentum, adam, adamw, sign, lion or muon.
        rate: learning rate of the wide network.
        steps: number of steps.
        loss: squared or cross-entropy.
        momentum: share of the earlier step that momentum and muon keep.
        epsilon: added to the root of Adam's second moment.
        decay: weight decay of the wide network.
        seeds: networks of every proxy width.
        verify: train the wide network as well, twice, and judge the prediction.
        stability: ask as well whether the wide network blows up, and from which rate on.
    """

    build: str
    width: int = 4096
    proxy_widths: tuple[int, ...] = (64, 128)
    data: str = "digits"
    num_points: int = 256
    target: str | None = None
    raw_inputs: bool = False
    input_shape: tuple[int, ...] | None = None
    optimizer: OptimiserName = "adamw"
    rate: float = 1e-3
    steps: int = 500
    loss: Literal["squared", "cross-entropy"] = "squared"
    momentum: float = 0.9
    epsilon: float = 1e-8
    decay: float = 0.0
    seeds: int = 8
    verify: bool = False
    stability: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        module_and_name(self.build)
        from lazyscope.proxy import Training  # which needs JAX, as help does not

        Training(**self.training())

    def training(self) -> dict[str, Any]:
        """Fields of `lazyscope.proxy.Training` that are not at their default, which is the same there."""
        names = ("optimizer", "rate", "steps", "loss", "momentum", "epsilon", "decay")
        told = {name: getattr(self, name) for name in names}
        fields = type(self).__dataclass_fields__
        return {name: value for name, value in told.items() if value != fields[name].default}
