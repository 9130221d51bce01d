"""Units of work that tests send to worker processes."""

import os
import time
from pathlib import Path

from sweep.store_cases import made_up


def work(unit, record):
    """Made-up results."""
    return [made_up(cell) for cell in unit]


def slow_work(unit, record):
    """Made-up results after a moment, so that a unit can be caught in the middle."""
    time.sleep(0.3)
    return work(unit, record)


def deadly_work(unit, record, folder):
    """The first attempt at width 2 kills its worker; later attempts do the work."""
    time.sleep(0.05)
    mark = Path(folder) / f"tried-{unit[0].hash}"
    if unit[0].settings["width"] == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return work(unit, record)


def broken_work(unit, record):
    """Raises for one width."""
    if unit[0].settings["width"] == 2:
        raise ArithmeticError("a bad number")
    return work(unit, record)


def pretend_other_version():
    """Give this process a package with other files."""
    from lazyscope.sweep.run import _fingerprint

    _fingerprint.source_digest = lambda: "0123456789abcdef"


def multiply_with(precision):
    """Let products of this process have another precision."""
    import jax

    jax.config.update("jax_default_matmul_precision", precision)


def some_bad_work(unit, record):
    """Raises for one seed of every width."""
    return [_good(cell) for cell in unit]


def _good(cell):
    if cell.settings["seed"] == 1:
        raise ArithmeticError("a bad number")
    return made_up(cell)
