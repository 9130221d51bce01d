"""What was expected of every row first, what was changed since and why, and what can its design decide?

One file of JSON lines for each claim, one line for each entry (`_entry.py`), appended and never rewritten:
every line holds a digest of the row's line before it.
"""
