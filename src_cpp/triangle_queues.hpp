// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Triangles, and the pixels of tiny ones, on their way from the tests to the drawing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "lanes.hpp"

namespace face_recon
{
namespace
{

static constexpr std::size_t kChunk = 128;

// Triangles that passed the tests, one array per property.
struct TriangleQueue
{
  static constexpr std::size_t kRoom = kChunk + kLanes;
  std::int32_t xy[3][kRoom];
  std::int32_t corner[3][kRoom];
  std::int32_t pixel[kRoom];  // first pixel of the clipped box, a pair
  std::int32_t size[kRoom];   // last - first pixel of it, a pair
  std::size_t count = 0;

  // Repeats the first in the lanes that a last register has over.
  void pad()
  {
    for (std::size_t k = count; k % kLanes != 0; ++k) {
      for (int c = 0; c < 3; ++c) {
        xy[c][k] = xy[c][0];
        corner[c][k] = corner[c][0];
      }
      pixel[k] = pixel[0];
      size[k] = size[0];
    }
  }
};

// Pixels covered by tiny triangles, one array per property.
struct PixelQueue
{
  static constexpr std::size_t kRoom = 4 * kChunk + kLanes;
  std::int32_t corner[3][kRoom];
  std::int32_t weight[2][kRoom];  // of corners 1 and 2: bits of a float
  std::int32_t pixel[kRoom];      // a pair
  std::size_t count = 0;

  void pad()
  {
    for (std::size_t k = count; k % kLanes != 0; ++k) {
      for (int c = 0; c < 3; ++c) {
        corner[c][k] = corner[c][0];
      }
      weight[0][k] = weight[0][0];
      weight[1][k] = weight[1][0];
      pixel[k] = pixel[0];
    }
  }
};

struct Queues
{
  PixelQueue tiny;
  TriangleQueue block, small;
};

inline void leave_over(RasterArguments & arguments, std::int32_t p, std::int32_t q, std::int32_t r)
{
  std::int32_t * to = arguments.left_over + 3 * arguments.left_over_count++;
  to[0] = p;
  to[1] = q;
  to[2] = r;
}

}  // namespace
}  // namespace face_recon
