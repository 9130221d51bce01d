"""In which orders can tensors of data and signals be contracted to a kernel? One file each."""

from lazyscope.kernel.orders import orders_in

ORDERS = orders_in(__name__, __path__)
"""All that there are, found by their files; costs as `lazyscope.kernel.orders` counts them."""
