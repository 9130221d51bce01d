"""What did training do to any network, watched from inside somebody else's training loop?"""

from lazyscope._provenance import provenance
from lazyscope.observe._abstract import AbstractObserver
from lazyscope.observe._cadence import Cadence
from lazyscope.observe._cadence import check_cadence as check_cadence
from lazyscope.observe._function import Function, as_function
from lazyscope.observe._groups import group_leaves
from lazyscope.observe._observer import Observer
from lazyscope.observe._record import SERIES as SERIES
from lazyscope.observe._record import (
    Look,
    Measurement,
    Observations,
    Subject,
    displacement_fields,
    relative_changes,
)
from lazyscope.observe._save import (
    from_json,
    open_observations,
    save_observations,
    to_dataset,
    to_json,
)
from lazyscope.observe._subject import subject_of as subject_of

__all__ = [
    "AbstractObserver",
    "Cadence",
    "Function",
    "Look",
    "Measurement",
    "Observations",
    "Observer",
    "Subject",
    "as_function",
    "displacement_fields",
    "from_json",
    "group_leaves",
    "open_observations",
    "provenance",
    "relative_changes",
    "save_observations",
    "to_dataset",
    "to_json",
]
