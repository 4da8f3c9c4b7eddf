"""Thin-plate splines (Bookstein, 1989): the smoothest map that takes some points to given places.

Coordinates are `(x, y)`: the corners of an image's content are (+-1, +-1), whatever its size. All
here is constant for given positions, and computed once, in float64, when a graph is built.
"""

from __future__ import annotations

import numpy as np


def border_points(count: int) -> np.ndarray:
    """Returns points along the upper border, from the left, and then along the lower one.

    Args:
        count: number of points on each border, at least 2; the first and the last are corners.

    Returns:
        float64 `[2 count, 2]`.
    """
    x = np.linspace(-1, 1, count)
    return np.stack([np.tile(x, 2), np.repeat([-1.0, 1.0], count)], axis=1)


def interpolation_matrix(points: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Returns the matrix that interpolates values at points smoothly to other positions.

    Its product with the values `[K]` at the points is the value of their thin-plate spline at each
    position. The spline of values that depend linearly on x and y is that linear function.

    Args:
        points: float64 `[K, 2]`, the control points; at least three, not on one line.
        positions: float64 `[P, 2]`.

    Returns:
        float64 `[P, K]`.
    """
    count = len(points)
    linear = np.concatenate([np.ones([count, 1]), points], axis=1)  # [K, 3]
    conditions = np.block(
        [[_kernel(points, points), linear], [linear.T, np.zeros([3, 3])]]
    )  # [K + 3, K + 3], symmetric
    terms = np.concatenate(
        [_kernel(positions, points), np.ones([len(positions), 1]), positions], axis=1
    )  # [P, K + 3]
    return np.linalg.solve(conditions, terms.T).T[:, :count]


def _kernel(positions: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns `r^2 log(r^2)` for the distance r of each position and each point, `[P, K]`."""
    squares = np.sum(np.square(positions[:, np.newaxis] - points), axis=2)
    return squares * np.log(np.where(squares > 0, squares, 1))
