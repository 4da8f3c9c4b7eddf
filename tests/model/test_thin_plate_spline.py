"""Tests thin-plate splines by what defines them, and against values computed another way."""

import numpy as np
import pytest
from helpers import noise

from aocr.model.thin_plate_spline import border_points, interpolation_matrix

POINTS = border_points(10)
GRID = np.stack(np.meshgrid(np.linspace(-1, 1, 13), np.linspace(-1, 1, 7)), -1).reshape(-1, 2)


def test_points_lie_along_the_upper_and_then_the_lower_border():
    expected = [(-1, -1), (0, -1), (1, -1), (-1, 1), (0, 1), (1, 1)]
    np.testing.assert_array_equal(border_points(3), expected)


def test_each_control_point_is_taken_exactly_to_its_place():
    matrix = interpolation_matrix(POINTS, POINTS)
    np.testing.assert_allclose(matrix, np.eye(20), atol=1e-12)


@pytest.mark.parametrize(
    "linear", [np.eye(2), [[0.8, 0.3], [-0.4, 1.2]], [[0, 1], [-1, 0]], [[1, 0], [0, 0]]]
)
def test_an_affine_set_of_points_gives_an_affine_grid(linear):
    shift = np.array([0.1, -0.7])
    found = interpolation_matrix(POINTS, GRID) @ (POINTS @ np.array(linear) + shift)
    np.testing.assert_allclose(found, GRID @ np.array(linear) + shift, atol=1e-12)


def test_the_spline_is_that_of_its_definition():
    """The coefficients of `a + b x + c y + sum of w_k r_k^2 log(r_k)`, solved for one by one."""
    values = noise("offsets", 20).astype(np.float64)

    def terms(position):
        radii = np.hypot(*(position - POINTS).T)
        return [*(r**2 * np.log(r) if r else 0.0 for r in radii), 1, *position]

    rows = [terms(point) for point in POINTS]
    sides = [[*column, 0, 0, 0] for column in ([1] * 20, POINTS[:, 0], POINTS[:, 1])]
    coefficients = np.linalg.solve(np.array(rows + sides), [*values, 0, 0, 0])
    expected = [np.dot(terms(position), coefficients) for position in GRID]
    found = interpolation_matrix(POINTS, GRID) @ values
    np.testing.assert_allclose(found, expected, atol=1e-10)
