"""Where are trainings kept while a prediction is made, so that a call that was killed goes on?"""

import hashlib
import json
from pathlib import Path
from typing import Any, final

import numpy as np

from lazyscope._file import read_json, write_text_whole
from lazyscope.proxy._training import Points, Training
from lazyscope.proxy.library._network import AbstractNetwork, Numbers, Trained

_TRAINING_FORMAT = 1


@final
class KeptRuns:
    """Finished trainings in a folder, a file each; without a folder none is kept.

    A training is told by everything that it depends on: the equations of the network, its points, the
    training, and the numbers that it was given.
    """

    def __init__(self, folder: Path | None, points: Points, training: Training) -> None:
        self._folder = folder
        self._training = training
        told = json.dumps([_TRAINING_FORMAT, training.described()])
        self._stamp = hashlib.sha256(told.encode())
        for each in (np.asarray(points.x), points.y):
            self._stamp.update(repr((each.shape, str(each.dtype))).encode() + each.tobytes())

    def train(self, network: AbstractNetwork, numbers: Numbers, name: str) -> Trained:
        """The training of one network, from its file where there is one."""
        if self._folder is None:
            return network.train(self._training, numbers)
        path = self._folder / f"{name}-{self._digest(network, numbers)}.json"
        found = _read(path)
        if found is None:
            found = network.train(self._training, numbers)
            self._folder.mkdir(parents=True, exist_ok=True)
            held = [_texts(found.loss), _texts(found.moved), found.seconds]
            write_text_whole("a training needs a folder to go to", json.dumps(held), path)
        return found

    def _digest(self, network: AbstractNetwork, numbers: Numbers) -> str:
        stamp = self._stamp.copy()
        stamp.update(network.identity().encode())
        held = numbers._replace(values={}, outputs=frozenset())
        stamp.update(repr([held, network.rates.tolist(), sorted(numbers.outputs)]).encode())
        for k, size in enumerate(network.sizes()):
            stamp.update(repr(tuple(size)).encode())
            if k in numbers.values:
                stamp.update(numbers.values[k].tobytes())
        return stamp.hexdigest()[:16]


def _texts(values: np.ndarray) -> list[str]:
    """Numbers as texts, which hold what is not finite too."""
    return [repr(float(each)) for each in values]


def _read(path: Path) -> Trained | None:
    """A kept training; a file that was damaged counts as none."""
    if not path.exists():
        return None
    try:
        held: Any = read_json(path)
        loss, moved = (np.array([float(each) for each in part]) for part in held[:2])
        return Trained(loss, moved, float(held[2]))
    except (OSError, ValueError, TypeError, IndexError):
        return None
