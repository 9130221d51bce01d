"""How does a page reach the disk whole or not at all?"""

import os
from pathlib import Path

from lazyscope._checks import InputError
from lazyscope._file import local_path, write_text_whole


def write_whole(text: str, path: str | os.PathLike[str]) -> Path:
    """Write a text file in one step: beside its place first, then renamed into it.

    A reader never sees half a file, and a failure leaves what was there before. A link stays a link.

    Raises:
        InputError: the path is a folder, its folder does not exist, or it cannot be written.
    """
    target = local_path("a page", path)
    if os.path.isdir(target):
        raise InputError(
            "the page needs the path of a file",
            received=str(target),
            cause="the path of an existing folder",
            fix=f"give a file name in it, such as {target / 'page.html'}",
        )
    return write_text_whole("the page needs a path that can be written", text, target)
