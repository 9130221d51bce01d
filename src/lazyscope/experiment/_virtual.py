"""For a network of which width does a run stand, and which numbers and outputs does its own get?"""

import math
from collections.abc import Mapping

from lazyscope._checks import InputError
from lazyscope.experiment._settings import Value
from lazyscope.model import activation
from lazyscope.scaling import Scheme, check_virtual_width, macroscopic_form


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


def start_share(settings: Mapping[str, Value]) -> float:
    """How much the outputs f_0 of the drawn network count: f - f_0 + share f_0 is trained.

    Not at all if centred, else as much as at the width for which the run stands: sqrt(m / M).
    """
    if settings["centred"]:
        return 0.0
    return math.sqrt(int(settings["width"]) / width_of(settings))  # type: ignore[arg-type]
