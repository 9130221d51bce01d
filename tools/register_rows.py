"""How does one write down what changed in the rows of `lazyscope validate`, and why?

    python tools/register_rows.py --reason "Frobenius norms: the operator norm holds sqrt(d/m)"
    python tools/register_rows.py --row lee/lee-first --set '{"counted": false}' --reason "..."

The first form appends an entry for every row whose prediction, expected verdict, rule, design or noise is
another one than in the register, for new rows and for rows that are gone; the second one for a single row.
Power is computed on the way (a few seconds a row). The seal of the tests is moved to the new last lines.
"""

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from lazyscope.claims import CLAIMS
from lazyscope.claims.register._append import new_entries, next_entry
from lazyscope.claims.register._standing import standings

ROOT = Path(__file__).parent.parent
REGISTER = ROOT / "src/lazyscope/claims/register"
SEAL = ROOT / "tests/claims/sealed_register.json"


def main() -> None:
    """Append what differs, or the one entry that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reason", required=True, help="why, in a sentence")
    parser.add_argument("--row", help="CLAIM/ROW, for a single entry")
    parser.add_argument("--set", help="what the single entry sets, as a JSON object")
    options = parser.parse_args()
    date = datetime.now(UTC).isoformat(timespec="seconds")
    if options.row:
        claim, row = options.row.split("/", 1)
        before, changed = standings(claim)[row], json.loads(options.set)
        entries = [(claim, next_entry(before, row, changed, options.reason, date=date))]
    else:
        entries = list(new_entries(CLAIMS, options.reason, date=date))
    for claim, entry in entries:
        with (REGISTER / f"{claim}.jsonl").open("a", encoding="utf-8") as file:
            file.write(entry.line() + "\n")
        sys.stdout.write(f"{claim}: {entry.line()}\n")
    seal()


def seal() -> None:
    """Write how many lines every file has, and their digest."""
    found = {}
    for path in sorted(REGISTER.glob("*.jsonl")):
        text = path.read_bytes()
        found[path.stem] = [len(text.splitlines()), hashlib.sha256(text).hexdigest()]
    SEAL.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
