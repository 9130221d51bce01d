"""Which runs ended with the initial stage, beside those that were trained on?"""

import xarray as xr

from lazyscope._checks import InputError


def staged_runs(runs: xr.Dataset) -> xr.Dataset:
    """The runs after training, with what the initial stage left beside them.

    Args:
        runs: over (gamma, gamma_prime, width, seed) and two values of ``stop``.

    Returns:
        The same without ``stop``; ``input_weights_early``, ``output_weights_early`` and
        ``outcome_early`` are those of the runs that stopped first, ``seconds_early`` what they took.
    """
    if "stop" not in runs.dims or runs.sizes["stop"] != 2:
        raise InputError(
            "a study of condensation needs runs with two values of stop",
            received=f"the axes {', '.join(map(str, runs['outcome'].dims))}",
            cause="the store of another sweep",
            fix="name the store of `lazyscope study condensation`",
        )
    ended = runs.sel(stop=runs["stop"].values.min())
    early = runs.sel(stop=runs["stop"].values.max())
    if "seconds" in runs:
        ended = ended.assign(seconds_early=early["seconds"].drop_vars("stop"))
    return ended.assign(
        input_weights_early=early["input_weights_final"].drop_vars("stop"),
        output_weights_early=early["output_weights_final"].drop_vars("stop"),
        outcome_early=early["outcome"].drop_vars("stop"),
    ).assign_attrs(early_stop=float(early["stop"]))
