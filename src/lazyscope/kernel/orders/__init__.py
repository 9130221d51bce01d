"""In which orders can data and signals be contracted to a kernel, and which one costs least?

One file each. An order that is added as a file here is found, offered and explained by its name.
"""

from lazyscope.kernel.orders._order import ELEMENTWISE as ELEMENTWISE
from lazyscope.kernel.orders._order import AbstractOrder as AbstractOrder
from lazyscope.kernel.orders._order import Block as Block
from lazyscope.kernel.orders._order import GroupShape as GroupShape
from lazyscope.kernel.orders._order import Held as Held
from lazyscope.kernel.orders._order import cheapest as cheapest
from lazyscope.kernel.orders._order import column_chunks as column_chunks
from lazyscope.kernel.orders._order import orders_in as orders_in

ORDERS = orders_in(__name__, __path__)
"""Those for JAX arrays."""
COSTS = {order.name: order for order in ORDERS}
"""The same by name: what an order costs is the same in every library."""
