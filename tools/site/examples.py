"""Examples of docstrings as code: their reader knows ``Examples``, the library writes ``Example``."""

import re

import griffe


class Examples(griffe.Extension):
    """Renames the section."""

    def on_object(self, *, obj, **_rest):
        """Of every object that has a docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.M
            )
