// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Which pixels a triangle covers.
#pragma once

#include <cstdint>

#include "screen_space.hpp"

namespace face_recon
{
namespace
{

// The edges of eight triangles, seen from one pixel of each: `at[c]` is the doubled area that the
// pixel's centre spans with the edge opposite to corner c. Signs decide coverage, with the
// top-left rule in `excluded`.
template <typename Simd>
struct Edges
{
  using Int = typename Simd::Int;

  Int edge[3];  // pairs
  Int at[3];
  Int excluded[3];  // -1 where a point on the edge is outside

  Edges(const Int (&xy)[3], Int pixel)
  {
    const Int centre = Simd::template shift_left_pairs<kSubpixelBits>(pixel);
    for (int c = 0; c < 3; ++c) {
      const Int from = xy[(c + 1) % 3], to = xy[(c + 2) % 3];
      edge[c] = Simd::sub_pairs(to, from);
      at[c] = Simd::cross_pairs(edge[c], Simd::sub_pairs(centre, from));
      // As one number, y high: a top or left edge is negative or 0 < x with y == 0.
      excluded[c] = Simd::greater(edge[c], Simd::set(0x7fff));
    }
  }

  // From one column, and row, to the next.
  Int step_x(int c) const
  {
    return Simd::sub(
      Simd::set(0),
      Simd::template shift_left<kSubpixelBits>(Simd::template shift_right<16>(edge[c])));
  }
  Int step_y(int c) const
  {
    return Simd::template shift_right<16 - kSubpixelBits>(Simd::template shift_left<16>(edge[c]));
  }
};

}  // namespace
}  // namespace face_recon
