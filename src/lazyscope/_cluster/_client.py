"""How is a Dask scheduler reached?"""

from typing import TYPE_CHECKING

from lazyscope._checks import InputError, check_text

if TYPE_CHECKING:
    from distributed import Client


def open_client(address: str, what: str) -> "Client":
    """A client of the scheduler at `address`, for `what`.

    Raises:
        InputError: Dask is not installed, or no scheduler answers.
    """
    check_text("scheduler", address)
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            f"{what} on a cluster needs Dask",
            received=f"scheduler {address!r}",
            cause="lazyscope was installed without its extra",
            fix="pip install 'lazyscope[cluster]'",
        ) from error
    try:
        return Client(address)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            "a scheduler must answer at its address",
            received=f"{address!r} ({error})",
            cause="a scheduler that has ended, or a mistyped address",
            fix="start one with dask scheduler and copy the address that it prints",
        ) from error
