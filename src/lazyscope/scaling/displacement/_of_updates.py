"""How far will every layer move at one width, where steps do not know the size of the gradient?

`displacement_exponents` with growth power one is what is left of this at infinite width. With D_l the
operator norm of an update at rate one, ``q_l = eta_l D_l / alpha_l`` and kappa the product of all alpha_l,

    prod_l (c_l + q_l C) = prod_l c_l + gap / kappa       one level C for all layers
    d_l = q_l C                                           relative displacement

A layer moves by its rate, whatever the others do, so that C is the time. What it adds is aligned with the
signals that come in and go out, ``<delta, sign(delta x^T) x> = |delta|_1 |x|_1``; what it started with is
seen by the updates of the others only as far as its signals are spread, ``c_l`` times their size: one for
entries of equal size, ``sqrt(2 / pi)`` for Gaussian ones.

Two layers, one direction and signs that do not change make this the exact solution. Signs that differ at
the start have to turn first; then it is exact at both ends, where all displacements are small and where
they are large, and off by up to 17 per cent in between.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazyscope._checks import InputError, check_count, check_finite, check_positive
from lazyscope.scaling._law import check_virtual_width
from lazyscope.scaling._optimiser import growth_power, optimiser_of_layers
from lazyscope.scaling.displacement._at_width import log_level, positive_numbers

if TYPE_CHECKING:  # and inside functions, since regimes are told without NumPy
    from lazyscope.scaling._scheme import Layers


def update_displacements_at_width(
    alpha: "Sequence[float] | Layers",
    rate: "Sequence[float] | Layers",
    update_norm: "Sequence[float] | Layers",
    *,
    gap: float,
    alignment: "Sequence[float] | Layers | None" = None,
) -> "Layers":
    """Relative displacement d_l of every layer after small steps of sign descent, Adam, Lion or Muon.

    ``d_l = |W_l(T) - W_l(0)| / alpha_l`` in operator norm, after training to zero loss.

    Args:
        alpha: scales alpha_l of layers 1 to L + 1, ``scheme.alpha(width)``.
        rate: rates eta_l, ``scheme.speed(width)``.
        update_norm: D_l, see `update_norms`.
        gap: size of what training has to add to the output, above zero, as in `displacements_at_width`.
        alignment: k_l, the share of ``D_l |delta| |x|`` by which an update moves the output at the start:
            the product of c over the other layers. 1 unless given.

    Returns:
        d_l, layers 1 to L + 1, float64.

    Raises:
        InputError: lists of different lengths, fewer than two layers, or numbers that are not positive.

    Cost: one root.

    Trust: exact in the limit of infinite width for two layers with one direction where all d_l are small
    or all large, and within 17 per cent between; with more points and layers, off by factors of order one
    that do not depend on the width. For small full-batch steps, without weight decay.

    Example:
        >>> update_displacements_at_width((10.0, 10.0), (1.0, 1.0), (10.0, 10.0), gap=1.0).round(6)
        array([0.004988, 0.004988])
    """
    import numpy as np

    given = {"alpha": alpha, "rate": rate, "update norm": update_norm}
    if alignment is not None:
        given["alignment"] = alignment
    read = {name: positive_numbers(name, values) for name, values in given.items()}
    lengths = {len(values) for values in read.values()}
    if len(lengths) != 1 or min(lengths) < 2:
        raise InputError(
            "there must be one scale, rate and update norm for each of two layers or more",
            received=", ".join(f"{len(values)} of {name}" for name, values in read.items()),
            cause="lists made for different depths",
            fix="give L + 1 of each",
        )
    log_alpha = np.log(read["alpha"])
    log_relative = np.log(read["rate"]) + np.log(read["update norm"]) - log_alpha
    log_aligned = np.log(read["alignment"]) if alignment is not None else 0.0 * log_alpha
    log_all = float(np.sum(log_aligned)) / (len(log_alpha) - 1)
    log_start = log_all - log_aligned
    log_target = float(np.log(check_positive("gap", gap)) - np.sum(log_alpha)) - log_all
    return np.exp(log_relative + log_level(log_relative - log_start, log_target))


def update_norms(
    optimiser: str | Sequence[str], width: float, *, depth: int, input_dim: int, output_dim: int
) -> "Layers":
    """D_l at a width: operator norm of an update at rate one of a dense network, layers 1 to L + 1.

    ``sqrt(fan_in fan_out)`` for sign, adam, adamw and lion, 1 for muon; exponents are `update_exponents`.

    Args:
        optimiser: a name, or one for each layer.
        width: of the hidden layers, or the virtual one.
        depth: hidden layers L.
        input_dim: of the network.
        output_dim: of the network.

    Raises:
        InputError: gradient descent or momentum, whose updates have no size of their own; or names and
            numbers as for `update_exponents`.

    Trust: an upper end. Entries of a gradient that are zero (units off at every point, inputs that vanish)
    do not move, which makes it smaller by a factor that does not depend on the width.

    Example:
        >>> update_norms(("adam", "muon", "adam"), 100, depth=2, input_dim=4, output_dim=1).tolist()
        [20.0, 1.0, 10.0]
    """
    import numpy as np

    m = check_virtual_width(check_finite("width", width))
    names = optimiser_of_layers(optimiser, check_count("depth", depth) + 1)
    if growth_power(names) == 2:
        raise InputError(
            "an update needs a size that does not depend on the gradient's",
            received=", ".join(sorted(set(names))),
            cause="gradient descent, whose step is as large as the gradient",
            fix="ask displacements_at_width, or name sign, adam, adamw, lion or muon",
        )
    sides = [check_count("input_dim", input_dim), *[m] * (len(names) - 1)]
    sides.append(check_count("output_dim", output_dim))
    norms = np.sqrt(np.array(sides[:-1], float)) * np.sqrt(np.array(sides[1:], float))
    return np.where(np.array([name == "muon" for name in names]), 1.0, norms)
