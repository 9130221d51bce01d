"""What do the first steps of descent do to a module?"""

from lazyscope.torch.steps._first_steps import first_steps as first_steps
from lazyscope.torch.steps._first_steps import prepare_copy as prepare_copy
from lazyscope.torch.steps._look import Looked as Looked
from lazyscope.torch.steps._norms import operator_norm as operator_norm
from lazyscope.torch.steps._optimisers import check_new as check_new
from lazyscope.torch.steps._optimisers import check_optimisers as check_optimisers
from lazyscope.torch.steps._parameter_groups import in_order_of_use as in_order_of_use
from lazyscope.torch.steps._training import TrainedModule as TrainedModule
from lazyscope.torch.steps._training import answers_in as answers_in
from lazyscope.torch.steps._training import measure_training as measure_training
from lazyscope.torch.steps._training import own_steps as own_steps
from lazyscope.torch.steps._training import steps_of as steps_of
