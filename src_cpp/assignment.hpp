// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Which rows and columns belong together at least cost.
#pragma once

#include <cstddef>
#include <vector>

namespace face_recon
{

// Of a cost matrix (rows, columns), row by row and finite: the column of each row in the complete
// assignment of least cost in sum, kNoColumn for rows beyond the number of columns. The Hungarian
// method with potentials (Kuhn 1955, Munkres 1957), O(n^3).
constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

std::vector<std::size_t> assign(const double * cost, std::size_t rows, std::size_t columns);

}  // namespace face_recon
