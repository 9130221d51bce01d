"""How is the lower half of a symmetric matrix cut into tiles?"""

from typing import NamedTuple


class Grid(NamedTuple):
    """Square tiles of `size` points; the last row and column are shorter.

    Tiles (i, j) with j <= i are numbered row by row.

    Example:
        >>> grid = Grid(5, 2)
        >>> grid.num_rows, grid.num_tiles, grid.place(4), grid.cut(2)
        (3, 6, (2, 1), slice(4, 5, None))
    """

    num_points: int
    size: int

    @property
    def num_rows(self) -> int:
        """Rows of tiles."""
        return -(-self.num_points // self.size)

    @property
    def num_tiles(self) -> int:
        """Tiles of the lower half, diagonal included."""
        return self.num_rows * (self.num_rows + 1) // 2

    def cut(self, row: int) -> slice:
        """The points of one row of tiles."""
        return slice(row * self.size, min((row + 1) * self.size, self.num_points))

    def place(self, number: int) -> tuple[int, int]:
        """Row and column of a tile."""
        row = int(((8 * number + 1) ** 0.5 - 1) / 2)
        row += (row + 1) * (row + 2) // 2 <= number
        row -= row * (row + 1) // 2 > number
        return row, number - row * (row + 1) // 2
