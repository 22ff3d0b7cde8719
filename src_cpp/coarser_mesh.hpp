// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A mesh of fewer triangles on some of the vertices of another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace face_recon
{

using MeshTriangle = std::array<std::int32_t, 3>;

// Takes vertices away one by one, the flattest first and spread evenly, until `wanted` of those that
// triangles use are left, or no other can go. The hole that one leaves is filled from a corner of
// it. Rims stay, and so does what would fold, get thin, or meet itself. triangles: indices into
// vertices (V, 3).
std::vector<MeshTriangle> coarser_mesh(
  std::vector<MeshTriangle> triangles, const float * vertices, std::size_t vertex_count,
  std::size_t wanted);

}  // namespace face_recon
