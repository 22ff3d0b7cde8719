// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the triangles alone tell, worked out once: which vertices are used, an order of triangles
// and vertices that keeps neighbours close in memory, and how to take a vertex's normal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace face_recon
{

struct Topology
{
  // Vertices are numbered anew, in the order in which the triangles use them; unused ones have no
  // number. source_vertex[i] is vertex i in the caller's array. Padded to a multiple of kBatch
  // with repetitions of the last.
  std::vector<std::int32_t> source_vertex;
  std::size_t vertex_count = 0;

  // Triangles in pairs that share an edge, one array per corner: (0, 1, 2) and (0, 2, 3), both
  // clockwise as seen on the screen (against the caller's sense). Where a triangle found no partner
  // corner 3 is corner 2 and the second triangle empty, as in the padding to a multiple of kBatch.
  std::vector<std::int32_t> corner[4];

  // 2 * pairs; and corner k of triangle t.
  std::size_t triangle_count() const { return 2 * corner[0].size(); }
  std::size_t vertex_of(std::size_t t, std::size_t k) const
  {
    const std::size_t column = t % 2 == 1 && k != 0 ? k + 1 : k;
    return static_cast<std::size_t>(corner[column][t / 2]);
  }

  // The normal of vertex i is the cross product of two chords of its one-ring,
  // (p[1] - p[0]) x (p[3] - p[2]). On a closed ring of four this is the area-weighted normal
  // exactly; on longer rings it is the central difference along two directions.
  //
  // points holds, for each group of kBatch vertices, where in the caller's array of coordinates
  // (three times the index) they are themselves, then all their p[0], all their p[1], ...
  static constexpr std::size_t kPointsOf = 5;
  std::vector<std::int32_t> points;

  std::int32_t point(std::size_t i) const { return points[slot(i, 0)]; }
  std::int32_t ring_point(std::size_t i, std::size_t k) const { return points[slot(i, k + 1)]; }

  // Vertices before this, a multiple of kBatch, have nothing to do with the caller's last one: a
  // word beyond each of their points can be read.
  std::size_t readable_beyond = 0;

  // Largest index that `points` can hold.
  static constexpr std::int32_t kLastIndex = 0x7fffffff / 3 - 1;

  // Vertices a caller must give: one more than the largest index.
  std::int64_t required_vertices = 0;

  static constexpr std::size_t kBatch = 8;

  static std::size_t slot(std::size_t i, std::size_t k)
  {
    return (i / kBatch * kPointsOf + k) * kBatch + i % kBatch;
  }
};

// triangles: count * 3 indices, 0 to kLastIndex (std::invalid_argument otherwise). surface: of a finer
// mesh that normals are taken from; none: these triangles.
Topology analyse_topology(
  const std::int32_t * triangles, std::size_t count, const std::int32_t * surface = nullptr,
  std::size_t surface_count = 0);

}  // namespace face_recon
