"""Which parametrisation do the options mean?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, final

from lazyscope._checks import InputError, check_choice, check_count
from lazyscope.cli._values import read_number, read_numbers, read_parameters
from lazyscope.scaling import Scheme, named_scheme, scheme_names, scheme_parameters

if TYPE_CHECKING:
    from lazyscope.cli._network import NetworkOptions
    from lazyscope.data import Dataset

_DEEPEST = 10_000


@final
class SchemeSetting(TypedDict, total=False):
    """What else a scheme depends on: the network and who trains it."""

    input_dim: int
    output_dim: int
    activation: str
    optimiser: str | tuple[str, ...]


def chosen_scheme(
    name: str | None,
    parameters: Sequence[str],
    scale_exponents: str | None,
    speed_exponents: str | None,
    depth: str | None,
    **setting: Unpack[SchemeSetting],
) -> Scheme:
    """The scheme of ``--scheme`` or ``--scale-exponents``, of which exactly one must be given.

    Raises:
        InputError: none or both, options that belong to the other one, or what the scheme refuses.
    """
    if (name is None) == (scale_exponents is None):
        raise InputError(
            "a parametrisation is given by --scheme or by --scale-exponents",
            received="neither" if name is None else "both",
            cause="an option left out" if name is None else "two ways to say one thing",
            fix=f"use --scheme with one of {', '.join(scheme_names())}"
            if name is None
            else "keep one of the two",
        )
    if name is not None:
        return _by_name(name, parameters, speed_exponents, depth, **setting)
    if parameters:
        raise InputError(
            "scheme parameters belong to a named scheme",
            received=", ".join(parameters),
            cause="--scheme was left out",
            fix="add --scheme, or leave out --scheme-parameter",
        )
    optimiser = setting.get("optimiser", "sgd")
    return _by_exponents(str(scale_exponents), speed_exponents, depth, optimiser)


def spread_scheme(given: "NetworkOptions", data: "Dataset") -> Scheme:
    """The scheme of ``--spread`` and ``--kappa``, which networks of every model have.

    Raises:
        InputError: options that are for dense networks, one of the two without the other, or no depth.
    """
    from lazyscope.experiment import network_scheme, spread
    from lazyscope.model import architecture

    foreign = {
        "--scheme": given.scheme,
        "--scheme-parameter": given.scheme_parameter,
        "--scale-exponents": given.scale_exponents,
        "--speed-exponents": given.speed_exponents,
    }
    named = [option for option, value in foreign.items() if value]
    depth = given.depth or architecture(given.model).most_depth
    lacking = {"--spread": given.spread, "--kappa": given.kappa, "--depth": depth}
    absent = [option for option, value in lacking.items() if value is None]
    if named or absent:
        raise InputError(
            f"scales of networks of model {given.model} are given by --spread, --kappa and --depth"
            if given.model != "dense"
            else "a spread is given by --spread, --kappa and --depth alone",
            received=" and ".join(named) if named else f"no {' and no '.join(absent)}",
            cause="schemes and exponents are those of dense networks"
            if named
            else "an option left out",
            fix="use for instance --spread balanced --kappa 64 --depth 2",
        )
    number: Any = read_number
    if given.virtual_width is not None and given.model == "dense":
        return spread(str(given.spread)).over_widths(number(given.kappa), number(str(depth)))
    return network_scheme(
        data,
        spread=str(given.spread),
        kappa=number(given.kappa),
        width=number(given.width),
        depth=number(str(depth)),
        architecture=given.model,
        activation=given.activation,
    )


def _by_name(
    name: str,
    parameters: Sequence[str],
    speed_exponents: str | None,
    depth: str | None,
    **setting: Unpack[SchemeSetting],
) -> Scheme:
    if speed_exponents is not None:
        raise InputError(
            "a named scheme has its own speeds",
            received=f"--speed-exponents {speed_exponents} with --scheme {name}",
            cause="a scheme that was meant to be changed",
            fix="give --scale-exponents with --speed-exponents",
        )
    if depth is None:
        raise InputError(
            "a named scheme needs a depth",
            received="no --depth",
            cause="an option left out",
            fix="add --depth 2 for two hidden layers",
        )
    known = scheme_parameters(name)
    given = read_parameters(parameters)
    for parameter in given:
        if known:
            check_choice(f"parameter of the scheme {name!r}", parameter, known)
        else:
            raise InputError(
                f"the scheme {name!r} takes no parameters",
                received=parameter,
                cause="a parameter of another scheme",
                fix="leave out --scheme-parameter",
            )
    layers = read_number(depth)
    if not isinstance(layers, str) and layers > _DEEPEST:
        raise InputError(
            f"depth must be at most {_DEEPEST}",
            received=depth,
            cause="a width given as depth",
            fix="use --depth for hidden layers and --width for units",
        )
    return named_scheme(name, depth=layers, **setting, **given)  # pyright: ignore[reportArgumentType]


def _by_exponents(
    scale_exponents: str,
    speed_exponents: str | None,
    depth: str | None,
    optimiser: str | tuple[str, ...],
) -> Scheme:
    speeds: Any = None if speed_exponents is None else read_numbers(speed_exponents)
    scales: Any = read_numbers(scale_exponents)
    scheme = Scheme.from_exponents(scales, speeds, optimiser=optimiser)
    if depth is not None and check_count("depth", read_number(depth)) != scheme.depth:
        raise InputError(
            "L hidden layers have L + 1 scale exponents",
            received=f"--depth {depth} and {len(scheme.scales)} exponents",
            cause="exponents for another depth",
            fix=f"leave out --depth, or give {int(read_number(depth)) + 1} exponents",
        )
    return scheme
