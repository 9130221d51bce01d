"""For a network of which width does a run stand, and which numbers and outputs does its own get?"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lazyscope._checks import InputError, check_optimisers
from lazyscope.experiment._method import is_transformation
from lazyscope.experiment._settings import Value
from lazyscope.flow import AbstractMethod, OptimiserSteps
from lazyscope.model import activation
from lazyscope.scaling import (
    Scheme,
    check_virtual_width,
    growth_power,
    macroscopic_form,
    update_exponents,
)


def width_of(settings: Mapping[str, Value]) -> int | float:
    """The width at which the scheme of a run is read: the virtual one, else its network's.

    Example:
        >>> width_of({"width": 128}), width_of({"width": 128, "virtual_width": 1e12})
        (128, 1000000000000.0)
    """
    virtual = settings.get("virtual_width")
    return int(settings["width"]) if virtual is None else float(virtual)  # type: ignore[arg-type]


def drawn_scheme(settings: Mapping[str, Value], scheme: Scheme) -> Scheme:
    """The numbers with which the network of a run is drawn and trained.

    Raises:
        InputError: a virtual width out of range, one at which numbers leave double precision, or one of
            a network that has no rules for it.
    """
    virtual = settings.get("virtual_width")
    if virtual is None:
        return scheme
    check_virtual_width(virtual)
    sigma = activation(str(settings["activation"]))
    given = []
    if settings.get("model", "dense") != "dense":
        given.append(f"model {settings['model']}")
    if settings.get("use_bias") and not sigma.homogeneous:
        given.append(f"biases with {sigma.name}, which need speeds of their own")
    if given:
        raise InputError(
            "a virtual width is for dense networks, with biases where the activation is homogeneous",
            received=" and ".join(given),
            cause="arrays whose numbers at another width follow other rules than those of a layer",
            fix="leave out virtual_width, or use a dense network without biases or with relu",
        )
    keeping = "scales" if sigma.homogeneous else "entries"
    return macroscopic_form(scheme, float(virtual), int(settings["width"]), keeping=keeping)  # type: ignore[arg-type]


def drawn_method(
    settings: Mapping[str, Value], scheme: Scheme, method: AbstractMethod
) -> AbstractMethod:
    """How the network of a run is trained, with the weight decay and the epsilon of the width it stands for.

    With f_l the ratio by which `drawn_scheme` changes the rate of layer l, its decay is over f_l, so that
    rate times decay stays, and an epsilon that was given is multiplied as gradients are, by
    (M / m)^(2 d_l) / f_l with d_l of `lazyscope.scaling.update_exponents`. The optimiser's own epsilon is
    left as it is, so that it stays small against gradients at every virtual width.

    Raises:
        InputError: what has no rules for another width: a transformation of gradients that was given, or
            biases under an optimiser whose steps do not know the size of the gradient.
    """
    virtual = settings.get("virtual_width")
    if virtual is None or not isinstance(method, OptimiserSteps):
        return method
    if is_transformation(method.optimiser):
        given, cause = (
            "a transformation of gradients",
            "rates whose rule at another width is not known",
        )
        raise _no_rule(given, cause, "name the optimiser, as in OptimiserSteps('adam', ...)")
    if settings.get("use_bias") and growth_power(method.optimiser) == 1:
        given = f"biases trained by {', '.join(check_optimisers(method.optimiser))}"
        cause = "biases, whose rates follow other rules than those of their layers"
        raise _no_rule(given, cause, "leave out the biases, or train by flow, sgd or momentum")
    large, width = float(virtual), int(settings["width"])  # type: ignore[arg-type]
    layers = len(scheme.speeds)
    own = np.array([law.at_virtual(large) for law in scheme.speeds])
    change = np.array(drawn_scheme(settings, scheme).speed(width)) / own
    gradient = (large / width) ** (
        2 * np.array(update_exponents(scheme.optimiser, layers))
    ) / change
    decay = method.decays(layers)
    return replace(
        method,
        weight_decay=decay / change if decay.any() else None,
        epsilon=None if method.epsilon is None else np.asarray(method.epsilon) * gradient,
    )


def _no_rule(received: str, cause: str, fix: str) -> InputError:
    rule = "an optimiser at a virtual width needs a rule for every array"
    return InputError(rule, received=received, cause=cause, fix=fix)


def start_share(settings: Mapping[str, Value]) -> float:
    """How much the outputs f_0 of the drawn network count: f - f_0 + share f_0 is trained.

    Not at all if centred, else as much as at the width for which the run stands: sqrt(m / M).
    """
    if settings["centred"]:
        return 0.0
    return math.sqrt(int(settings["width"]) / width_of(settings))  # type: ignore[arg-type]
