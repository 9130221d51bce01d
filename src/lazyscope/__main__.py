"""`python -m lazyscope`, as the command `lazyscope`."""

from lazyscope.cli import main

if __name__ == "__main__":
    main()
