"""What does the law say about the scheme that a reader chooses, without Python?

One page that holds the law in JavaScript and the exponents of the named schemes as `named_scheme` gives them.
"""

import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lazyscope._entry import checked
from lazyscope._provenance import version_of
from lazyscope.report.parts import (
    Custom,
    Page,
    category_colors,
    page_templates,
    render_page,
    write_whole,
)
from lazyscope.scaling import PowerLaw, named_scheme

_MOST_HIDDEN = 8
_SCHEMES = ("ntk", "standard", "he", "xavier", "mean-field", "mup", "spectral", "balanced")
_OPTIMISERS = ("sgd", "momentum", "adam", "sign", "lion", "muon", "muon + adam")


@checked()
def write_explorer_page(path: str | os.PathLike[str]) -> Path:
    """Write the explorer of schemes: one page that says what the displacement law says, as one chooses.

    Optimiser, 1 to 8 hidden layers, exponents of scales and rates by hand or by name, and a width; shown are
    kappa, rho, regimes, displacement exponents, the phase plane with the scheme in it, what would make it muP
    or lazy, and the power of the width that the learning rate has to follow. The address has the scheme.

    Args:
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the path cannot be written.

    Cost: 0.1 s; 1.5 MB. Trust: that of `displacement_exponents`, with which its script is compared on random
    schemes.
    """
    return write_whole(render_page(_page()), path)


def _page() -> Page:
    template = page_templates().get_template("explorer.html.j2")
    html = Markup(template.render(data=_data()))  # noqa: S704 (made by a template that escapes)
    version = version_of("lazyscope")
    return Page(
        title="What does the law say about my scheme?",
        eyebrow="lazyscope, explorer of schemes",
        found="As the width grows, every layer stays where it starts.",
        facts=[("κ at this width", ""), ("ρ", ""), ("regime", ""), ("learning rate", "")],
        lead=(
            "Of a dense network with hidden layers of width m, trained in small steps on full batches: with "
            "which power of the width every layer moves. Only the exponents of scales and rates count; "
            "nothing is trained. Not for weight decay, steps at the edge of stability, or minibatch noise "
            "that dominates the gradient. theta-lazy and muP are two of the regimes."
        ),
        sections=[
            Custom(html, "choose", "Choose a scheme"),
            Custom(Markup(""), "plane", "The phase plane with this scheme in it"),
            Custom(Markup(""), "law", "Displacement of every layer against the width"),
        ],
        footer=f"Made by lazyscope {version}.",
        styles=["explorer.css"],
        scripts=["law.js", "explorer.js"],
        version=version,
    )


def _data() -> dict[str, Any]:
    depths = range(1, _MOST_HIDDEN + 1)
    return {
        "optimisers": _OPTIMISERS,
        "depths": list(depths),
        "layerColors": list(category_colors(range(_MOST_HIDDEN + 1)).values()),
        "schemes": {
            name: {who: [_held(name, depth, who) for depth in depths] for who in _OPTIMISERS}
            for name in _SCHEMES
        },
    }


def _held(name: str, depth: int, who: str) -> dict[str, Any]:
    """Exponents of a named scheme, and the constant of kappa for one input and one output."""
    mixed = ("adam", *["muon"] * (depth - 1), "adam")
    scheme = named_scheme(
        name, depth=depth, input_dim=1, optimiser=mixed if who == "muon + adam" else who
    )
    constant = 1.0
    for law in scheme.scales:
        constant *= law.constant if isinstance(law, PowerLaw) else 2**0.5
    return {
        "a": list(scheme.scale_exponents),
        "sigma": list(scheme.speed_exponents),
        "constant": constant,
    }
