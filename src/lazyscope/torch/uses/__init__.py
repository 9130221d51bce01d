"""What does a forward pass of a module do with its parameters?"""

from lazyscope.torch.uses._feeding import feeds_of as feeds_of
