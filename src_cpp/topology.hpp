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

  // Corners of the triangles, one array per corner, clockwise as seen on the screen (the caller's
  // second and third swapped). Padded with degenerate triangles to a multiple of kBatch.
  std::vector<std::int32_t> corner[3];

  // The normal of vertex i is the cross product of two chords of its one-ring,
  // (p[1] - p[0]) x (p[3] - p[2]), p[k] being the caller's vertex ring(i, k). On a closed ring of
  // four this is the area-weighted normal exactly; on longer rings it is the central difference
  // along two directions. Stored in groups of kBatch vertices: all p[0], all p[1], ...
  std::vector<std::int32_t> normal_ring;

  std::int32_t ring(std::size_t i, std::size_t k) const
  {
    return normal_ring[(i / kBatch * 4 + k) * kBatch + i % kBatch];
  }

  // Vertices a caller must give: one more than the largest index.
  std::int64_t required_vertices = 0;
  std::size_t triangle_count = 0;

  static constexpr std::size_t kBatch = 8;
};

// triangles: count * 3 indices, none negative (std::invalid_argument otherwise).
Topology analyse_topology(const std::int32_t * triangles, std::size_t count);

}  // namespace face_recon
