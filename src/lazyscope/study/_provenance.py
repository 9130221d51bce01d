"""Which versions made a result?"""

from importlib.metadata import version

_PACKAGES = ("lazyscope", "jax", "jaxlib", "numpy", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Versions of lazyscope and of the packages its numbers depend on."""
    return {name: version(name) for name in _PACKAGES}
