"""What does a stored result look like? Reports read stored results and never compute."""

from lazyscope.report._kappa_page import write_kappa_page

__all__ = ["write_kappa_page"]
