// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// From triangles to queues: which of them can be seen, and how large they are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "lanes.hpp"
#include "screen_space.hpp"
#include "triangle_edges.hpp"
#include "triangle_queues.hpp"

namespace face_recon
{
namespace
{

inline std::int32_t pair(std::int32_t x, std::int32_t y)
{
  return static_cast<std::int32_t>(
    (static_cast<std::uint32_t>(x) & 0xffffU) | (static_cast<std::uint32_t>(y) << 16));
}

// Sorts the triangles that face the viewer and have a pixel centre in their box by its size.
template <typename Simd>
struct TriangleSorter
{
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  struct Batch
  {
    Int corner[3];
    Int xy[3];
    Int pixel;
    Int size;
    Int area;
  };

  static void append(TriangleQueue & queue, const Batch & batch, unsigned mask)
  {
    for (int c = 0; c < 3; ++c) {
      Simd::store_packed(queue.xy[c] + queue.count, batch.xy[c], mask);
      Simd::store_packed(queue.corner[c] + queue.count, batch.corner[c], mask);
    }
    Simd::store_packed(queue.pixel + queue.count, batch.pixel, mask);
    Simd::store_packed(queue.size + queue.count, batch.size, mask);
    queue.count += static_cast<std::size_t>(__builtin_popcount(mask));
  }

  // Tests the pixels of boxes up to 2 x 2 and queues those that are covered.
  static void append_covered(PixelQueue & queue, const Batch & batch, unsigned mask)
  {
    const Edges<Simd> edges(batch.xy, batch.pixel);
    const Float inverse_area = Simd::div(Simd::set(1.0F), Simd::to_float(batch.area));
    const Int one = Simd::set(1);
    const Int high_one = Simd::set(1 << 16);
    const unsigned wide = mask & Simd::signs(Simd::equal(Simd::bit_and(batch.size, one), one));
    const unsigned tall =
      mask & Simd::signs(Simd::equal(Simd::bit_and(batch.size, high_one), high_one));
    const auto test = [&](unsigned lanes, bool right, bool below) {
      Int at[3];
      Int outside = Simd::set(0);
      for (int c = 0; c < 3; ++c) {
        at[c] = edges.at[c];
        if (right) {
          at[c] = Simd::add(at[c], edges.step_x(c));
        }
        if (below) {
          at[c] = Simd::add(at[c], edges.step_y(c));
        }
        outside = Simd::bit_or(outside, Simd::add(at[c], edges.excluded[c]));
      }
      const unsigned covered = lanes & ~Simd::signs(outside);
      if (covered == 0) {
        return;
      }
      for (int c = 0; c < 3; ++c) {
        Simd::store_packed(queue.corner[c] + queue.count, batch.corner[c], covered);
      }
      for (int w = 0; w < 2; ++w) {
        const Float weight = Simd::mul(Simd::to_float(at[w + 1]), inverse_area);
        Simd::store_packed(queue.weight[w] + queue.count, Simd::to_bits(weight), covered);
      }
      const Int step = Simd::set((right ? 1 : 0) + (below ? 1 << 16 : 0));
      Simd::store_packed(queue.pixel + queue.count, Simd::add(batch.pixel, step), covered);
      queue.count += static_cast<std::size_t>(__builtin_popcount(covered));
    };
    test(mask, false, false);
    if (wide != 0) {
      test(wide, true, false);
    }
    if (tall != 0) {
      test(tall, false, true);
      if ((wide & tall) != 0) {
        test(wide & tall, true, true);
      }
    }
  }

  Int first_pixel, last_pixel;
  Int round_up = Simd::set(pair(kSubpixels - 1, kSubpixels - 1));
  Int zero = Simd::set(0);

  explicit TriangleSorter(const SurfaceBuffer & buffer)
  : first_pixel(Simd::set(pair(buffer.x0, buffer.y0))),
    last_pixel(Simd::set(pair(buffer.x1, buffer.y1)))
  {
  }

  // Lanes of which neither half of `size` has any of these bits.
  unsigned without(Int size, std::int32_t bits) const
  {
    const Int found = Simd::bit_and(size, Simd::set(pair(bits, bits)));
    return Simd::signs(Simd::equal(found, zero));
  }

  // low, high: of the snapped boxes. Takes batch.xy, corner and area.
  void sort(RasterArguments & arguments, Queues & queues, Batch & batch, Int low, Int high) const
  {
    batch.pixel = Simd::max_pairs(
      Simd::template shift_right_pairs<kSubpixelBits>(Simd::add_pairs(low, round_up)),
      first_pixel);
    const Int last =
      Simd::min_pairs(Simd::template shift_right_pairs<kSubpixelBits>(high), last_pixel);
    batch.size = Simd::sub_pairs(last, batch.pixel);
    const unsigned front = Simd::signs(Simd::greater(batch.area, zero));
    const unsigned upto_tiny = front & without(batch.size, ~1);
    const unsigned upto_block = front & without(batch.size, ~(kBlockSide - 1));
    const unsigned upto_small = front & without(batch.size, ~(kSmallSide - 1));
    const unsigned hit = front & without(batch.size, -0x8000);
    if (upto_tiny != 0) {
      append_covered(queues.tiny, batch, upto_tiny);
    }
    if (upto_block != upto_tiny) {
      append(queues.block, batch, upto_block ^ upto_tiny);
    }
    if (upto_small != upto_block) {
      append(queues.small, batch, upto_small ^ upto_block);
    }
    if (hit != upto_small) {
      alignas(32) std::int32_t corner[3][kLanes];
      for (int c = 0; c < 3; ++c) {
        Simd::store(corner[c], batch.corner[c]);
      }
      for (unsigned rest = hit ^ upto_small; rest != 0; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        leave_over(arguments, corner[0][lane], corner[1][lane], corner[2][lane]);
      }
    }
  }
};

}  // namespace
}  // namespace face_recon
