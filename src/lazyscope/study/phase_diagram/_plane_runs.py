"""Which run belongs to which cell of a plane that was run as a list of points?"""

from collections.abc import Sequence

import numpy as np
import xarray as xr


def runs_on_plane(
    points: xr.Dataset,
    axes: Sequence[tuple[str, np.ndarray]],
    *,
    num_widths: int,
    seeds: int,
) -> xr.Dataset:
    """Runs at virtual widths over (x, y, width, seed), as a map has them.

    Args:
        points: what `open_store` gives, one point per run: the cells in the order of the plane, in each the
            virtual widths, in each the seeds.
        axes: name and values of both axes, x first.
        num_widths: virtual widths of every cell.
        seeds: seeds of every virtual width.

    Returns:
        The same variables. Along ``width`` are places, from 1; ``virtual_width`` over (x, y, width)
        holds the numbers, which are other ones in every cell.
    """
    dims = (*(name for name, _ in axes), "width", "seed")
    sizes = (*(len(values) for _, values in axes), num_widths, seeds)
    moved = points.transpose("point", ...)

    def arranged(held: xr.DataArray) -> tuple[tuple[str, ...], np.ndarray]:
        rest = tuple(map(str, held.dims[1:]))
        return (*dims, *rest), held.values.reshape(*sizes, *held.shape[1:])

    variables = {
        str(name): (*arranged(held), held.attrs) if "point" in held.dims else held
        for name, held in moved.data_vars.items()
    }
    numbers = arranged(moved["virtual_width"])[1][..., 0]
    kept = {str(name): held for name, held in moved.coords.items() if "point" not in held.dims}
    coords = {
        **kept,
        **dict(axes),
        "width": np.arange(1, num_widths + 1),
        "seed": arranged(moved["seed"])[1][0, 0, 0],
    }
    return xr.Dataset(variables, coords, points.attrs).assign(virtual_width=(dims[:3], numbers))
