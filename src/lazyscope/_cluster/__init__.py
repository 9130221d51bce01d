"""How are workers of other processes reached?"""

from lazyscope._cluster._client import open_client as open_client
