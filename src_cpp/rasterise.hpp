// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The loop over the triangles of a mesh: sort some of them by size, then draw those.
#pragma once

#include <cstddef>

#include "kernels.hpp"
#include "lanes.hpp"
#include "triangle_drawing.hpp"
#include "triangle_queues.hpp"
#include "triangle_sorting.hpp"

namespace face_recon
{
namespace
{

template <typename Simd>
void rasterise(RasterArguments & arguments)
{
  using Int = typename Simd::Int;
  using Sorter = TriangleSorter<Simd>;
  using Drawing = TriangleDrawing<Simd>;
  Queues queues;
  const Sorter sorter(arguments.buffer);
  constexpr std::size_t kPairs = kChunk / 2;
  for (std::size_t chunk = arguments.first; chunk < arguments.last; chunk += kPairs) {
    const std::size_t end = chunk + kPairs < arguments.last ? chunk + kPairs : arguments.last;
    queues.tiny.count = queues.block.count = queues.small.count = 0;
    for (std::size_t t = chunk; t < end; t += kLanes) {
      Int corner[4], xy[4];
      for (int c = 0; c < 4; ++c) {
        corner[c] = Simd::load(arguments.corner[c] + t);
        xy[c] = Simd::gather(arguments.xy, arguments.corner[c] + t);
      }
      const Int low = Simd::min_pairs(xy[0], xy[2]);
      const Int high = Simd::max_pairs(xy[0], xy[2]);
      const Int diagonal = Simd::sub_pairs(xy[2], xy[0]);
      typename Sorter::Batch batch;
      batch.corner[0] = corner[0];
      batch.xy[0] = xy[0];
      for (int c = 1; c < 3; ++c) {
        batch.corner[c] = corner[c];
        batch.xy[c] = xy[c];
      }
      batch.area = Simd::cross_pairs(Simd::sub_pairs(xy[1], xy[0]), diagonal);
      sorter.sort(
        arguments, queues, batch, Simd::min_pairs(low, xy[1]), Simd::max_pairs(high, xy[1]));
      for (int c = 1; c < 3; ++c) {
        batch.corner[c] = corner[c + 1];
        batch.xy[c] = xy[c + 1];
      }
      batch.area = Simd::cross_pairs(diagonal, Simd::sub_pairs(xy[3], xy[0]));
      sorter.sort(
        arguments, queues, batch, Simd::min_pairs(low, xy[3]), Simd::max_pairs(high, xy[3]));
    }
    queues.tiny.pad();
    for (std::size_t k = 0; k < queues.tiny.count; k += kLanes) {
      Drawing::draw_pixels(arguments, queues.tiny, k);
    }
    queues.block.pad();
    for (std::size_t k = 0; k < queues.block.count; k += kLanes) {
      Drawing::template draw_triangles<true>(arguments, queues.block, k);
    }
    queues.small.pad();
    for (std::size_t k = 0; k < queues.small.count; k += kLanes) {
      Drawing::template draw_triangles<false>(arguments, queues.small, k);
    }
  }
}

}  // namespace
}  // namespace face_recon
