"""What do the first steps of descent do to a module?"""

from lazyscope.torch.steps._first_steps import first_steps as first_steps
from lazyscope.torch.steps._first_steps import prepare_copy as prepare_copy
from lazyscope.torch.steps._norms import operator_norm as operator_norm
from lazyscope.torch.steps._parameter_groups import in_order_of_use as in_order_of_use
