"""What does a forward pass of a module do with its parameters?"""

from lazyscope.torch.uses._watcher import AbstractWatcher as AbstractWatcher
