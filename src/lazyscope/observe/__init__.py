"""What did training do to any network, watched from inside somebody else's training loop?"""

from lazyscope.observe._abstract import AbstractObserver
from lazyscope.observe._cadence import Cadence
from lazyscope.observe._record import (
    Look,
    Measurement,
    Observations,
    Subject,
    displacement_fields,
    relative_changes,
)

__all__ = [
    "AbstractObserver",
    "Cadence",
    "Look",
    "Measurement",
    "Observations",
    "Subject",
    "displacement_fields",
    "relative_changes",
]
