"""How does an observer stand in the training loops of PyTorch Lightning and Hugging Face?"""

from lazyscope.torch.callbacks._huggingface import huggingface_callback as huggingface_callback
from lazyscope.torch.callbacks._lightning import lightning_callback as lightning_callback
