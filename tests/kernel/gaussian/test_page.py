"""Do the blocks of the page run as they stand?"""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "gaussian-process.md"


def test_blocks_of_the_page_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})
    assert capsys.readouterr().out
