"""Which options describe a network and its data, and what run do they mean?"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, final, get_type_hints

import typer

from lazyscope._checks import check_choice, optimiser_of
from lazyscope.cli._scheme import chosen_scheme, spread_scheme
from lazyscope.cli._values import read_number
from lazyscope.scaling import for_residual_networks

if TYPE_CHECKING:
    from lazyscope.data import Dataset
    from lazyscope.experiment import SingleRun
    from lazyscope.scaling import Scheme

_DATA, _SCHEME, _NETWORK = "Data", "Parametrisation", "Network"


def _option(metavar: str | None, words: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=words, rich_help_panel=panel)


@final
@dataclass(frozen=True)
class NetworkOptions:
    """Options that `forecast` and `train` share; numbers are texts until the library reads them."""

    data: Annotated[
        str, _option("NAME|PATH", "digits, diabetes, a path (.npz, IDX) or openml:NAME.", _DATA)
    ]
    width: Annotated[str, _option("M", "Units of every hidden layer.", _NETWORK)]
    virtual_width: Annotated[
        str | None,
        _option(
            "M",
            "Width to stand for, to 1e30: the scheme is read there, the network keeps --width units.",
            _NETWORK,
        ),
    ] = None
    n: Annotated[str, _option("N", "Training points.", _DATA, "--n", "-n", "--num-points")] = "64"
    num_test: Annotated[
        str | None,
        _option("N", "Test points; as many as there are, at most 1000, if absent.", _DATA),
    ] = None
    target: Annotated[
        str | None, _option("KIND", "classes, parity or value; by the labels if absent.", _DATA)
    ] = None
    raw_inputs: Annotated[
        bool,
        _option(None, "Leave inputs at their size instead of norm one.", _DATA, "--raw-inputs"),
    ] = False
    data_seed: Annotated[str, _option("SEED", "Chooses the points.", _DATA)] = "0"
    model: Annotated[
        str,
        _option(
            "NAME",
            "dense, convolution, residual, residual-convolution, layer-norm or attention.",
            _NETWORK,
        ),
    ] = "dense"
    scheme: Annotated[
        str | None, _option("NAME", "Named scheme: ntk, standard, lecun, he, ...", _SCHEME)
    ] = None
    scheme_parameter: Annotated[
        list[str] | None,
        _option("KEY=VALUE", "Parameter of the scheme; may be repeated.", _SCHEME),
    ] = None
    scale_exponents: Annotated[
        str | None,
        _option("A1,..", "Exponents of the layers' scales, instead of a scheme.", _SCHEME),
    ] = None
    speed_exponents: Annotated[
        str | None, _option("S1,..", "Exponents of the layers' speeds; 0 if absent.", _SCHEME)
    ] = None
    spread: Annotated[
        str | None,
        _option(
            "NAME",
            "Way to spread --kappa over the layers of any model: balanced, ntk-like, ...",
            _SCHEME,
        ),
    ] = None
    kappa: Annotated[
        str | None, _option("KAPPA", "Initial scale that --spread spreads.", _SCHEME)
    ] = None
    depth: Annotated[
        str | None, _option("L", "Hidden layers; follows from exponents.", _NETWORK)
    ] = None
    activation: Annotated[
        str,
        _option(
            "NAME", "relu, leaky_relu, linear, tanh, erf, gelu, softplus, sine, xtanh.", _NETWORK
        ),
    ] = "relu"
    bias: Annotated[
        bool, _option(None, "Layers have biases, starting at 0.", _NETWORK, "--bias")
    ] = False
    output_scale: Annotated[str, _option("C", "Factor in front of the network.", _NETWORK)] = "1"
    centred: Annotated[
        bool, _option(None, "Train f - f_0: the network starts at zero.", _NETWORK, "--centred")
    ] = False
    seed: Annotated[str, _option("SEED", "Of the initial weights.", _NETWORK)] = "0"

    def run(self, method: str = "flow") -> "SingleRun":
        """The run that the options mean, with the rates of the optimiser where the method is one.

        Raises:
            InputError: anything that the library refuses.
        """
        from lazyscope.data import load_dataset
        from lazyscope.experiment import SingleRun
        from lazyscope.model import activation, network_names

        given: Any = read_number
        activation(self.activation)
        check_choice("model", self.model, network_names())
        data = load_dataset(
            self.data,
            num_points=given(self.n),
            num_test=None if self.num_test is None else given(self.num_test),
            target=self.target,  # pyright: ignore[reportArgumentType]
            normalise=not self.raw_inputs,
            seed=given(self.data_seed),
        )
        return SingleRun(
            data,
            self._scheme(data, method),
            width=given(self.width),
            activation=self.activation,
            use_bias=self.bias,
            output_scale=given(self.output_scale),
            centred=self.centred,
            seed=given(self.seed),
            architecture=self.model,
            virtual_width=None if self.virtual_width is None else given(self.virtual_width),
        )

    def _scheme(self, data: "Dataset", method: str) -> "Scheme":
        """The scheme of the options: a spread of kappa, or what is for dense networks."""
        deep = self.scheme is not None and for_residual_networks(self.scheme)
        if (
            self.spread is not None
            or self.kappa is not None
            or (self.model != "dense" and not deep)
        ):
            return spread_scheme(self, data)
        return chosen_scheme(
            self.scheme,
            self.scheme_parameter or [],
            self.scale_exponents,
            self.speed_exponents,
            self.depth,
            input_dim=data.x_train.shape[1],
            output_dim=data.y_train.shape[1],
            activation=self.activation,
            optimiser=optimiser_of(method),
        )


def with_network_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of `NetworkOptions` in front of its own.

    The command takes them as one record, its parameter ``network``.
    """
    hints = get_type_hints(NetworkOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(NetworkOptions)
    ]
    signature = inspect.signature(command)
    own = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for p in signature.parameters.values()
        if p.name != "network"
    ]

    @wraps(command)
    def gathering(**given: Any) -> None:
        network = NetworkOptions(**{p.name: given.pop(p.name) for p in shared})
        command(network=network, **given)

    gathering.__signature__ = signature.replace(parameters=[*shared, *own])  # pyright: ignore[reportAttributeAccessIssue]
    gathering.__annotations__ = {p.name: p.annotation for p in [*shared, *own]}
    return gathering
