"""Which plotly.js is inside a page?

The build for Cartesian axes (scatter, bar, heatmap, contour), as its makers publish it, with its licence
beside it. It is a third of the full one, which the Python package of Plotly carries.
"""

from importlib.resources import files

from markupsafe import Markup

_FOLDER = files("lazyscope") / "report" / "parts" / "plotly"
PLOTLY_VERSION = "4.1.1"
"""Of the build inside pages."""


def plotly_script() -> Markup:
    """The text of plotly.js, to stand in a script element; 1.5 MB."""
    text = (_FOLDER / "plotly-cartesian.min.js").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 (plotly's own file)
