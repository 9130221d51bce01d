"""How does a test read the data that a page holds, compressed or not?"""

import base64
import gzip
import json
import re
from typing import Any

import numpy as np


def held_data(text: str, attributes: str, after: str = "") -> Any:
    """The JSON of the first script with these attributes that follows `after`."""
    place = text.index(after) if after else 0
    pattern = rf'<script type="application/json"( data-packed="gzip")? {re.escape(attributes)}>(.*?)</script>'
    found = re.compile(pattern, re.DOTALL).search(text, place)
    assert found is not None, f"no data with {attributes}"
    held = found[2]
    return json.loads(gzip.decompress(base64.b64decode(held)) if found[1] else held)


def figure_data(text: str, anchor: str) -> Any:
    """What the script of a page draws of one figure."""
    return held_data(text, 'class="figure-data"', f'data-figure="{anchor}"')


def from_planes(held: dict[str, Any]) -> np.ndarray:
    """Numbers that are held as four planes of bytes."""
    planes = np.frombuffer(base64.b64decode(held["planes"]), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").reshape(held["shape"])
