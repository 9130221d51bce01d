"""How is input checked and refused, the same way everywhere?"""

from lazyscope._checks._arrays import as_numpy as as_numpy
from lazyscope._checks._arrays import check_alike as check_alike
from lazyscope._checks._arrays import check_array as check_array
from lazyscope._checks._arrays import check_scale as check_scale
from lazyscope._checks._arrays import check_tree as check_tree
from lazyscope._checks._arrays import is_known as is_known
from lazyscope._checks._error import InputError as InputError
from lazyscope._checks._error import shortened as shortened
from lazyscope._checks._error import shown as shown
from lazyscope._checks._error import unreadable_value as unreadable_value
from lazyscope._checks._kinds import check_callable as check_callable
from lazyscope._checks._kinds import check_choice as check_choice
from lazyscope._checks._kinds import check_flag as check_flag
from lazyscope._checks._kinds import check_instance as check_instance
from lazyscope._checks._kinds import check_path as check_path
from lazyscope._checks._kinds import check_sequence as check_sequence
from lazyscope._checks._kinds import check_text as check_text
from lazyscope._checks._numbers import LARGEST_COUNT as LARGEST_COUNT
from lazyscope._checks._numbers import as_number as as_number
from lazyscope._checks._numbers import check_count as check_count
from lazyscope._checks._numbers import check_finite as check_finite
from lazyscope._checks._numbers import check_fraction as check_fraction
from lazyscope._checks._numbers import check_not_negative as check_not_negative
from lazyscope._checks._numbers import check_positive as check_positive
from lazyscope._checks._optimisers import OPTIMISERS as OPTIMISERS
from lazyscope._checks._optimisers import check_optimisers as check_optimisers
