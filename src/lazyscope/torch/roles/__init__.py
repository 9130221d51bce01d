"""What is each parameter of a module in it: input, hidden, output, readout?"""

from lazyscope.torch.roles._roles import roles_in as roles_in
from lazyscope.torch.roles._roles import roles_of as roles_of
