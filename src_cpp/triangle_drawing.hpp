// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// From queues to pixels: depth keys and light into the surface buffer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "lanes.hpp"
#include "triangle_edges.hpp"
#include "triangle_queues.hpp"

namespace face_recon
{
namespace
{

template <typename Simd>
struct TriangleDrawing
{
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  // Depth key and light of eight triangles: at corner 0, and from there to corners 1 and 2.
  struct Surface
  {
    Float key, key_1, key_2;
    Float light, light_1, light_2;

    Surface(
      const RasterArguments & arguments, const std::int32_t * corner_0,
      const std::int32_t * corner_1, const std::int32_t * corner_2)
    {
      const std::int32_t * corners[3] = {corner_0, corner_1, corner_2};
      Float keys[3], lights[3];
      for (int c = 0; c < 3; ++c) {
        const Int word =
          Simd::gather(reinterpret_cast<const std::int32_t *>(arguments.surface), corners[c]);
        keys[c] = Simd::to_float(Simd::template shift_right_unsigned<kDepthBits>(word));
        lights[c] = Simd::to_float(Simd::bit_and(word, Simd::set(0xffff)));
      }
      key = keys[0];
      key_1 = Simd::sub(keys[1], keys[0]);
      key_2 = Simd::sub(keys[2], keys[0]);
      light = lights[0];
      light_1 = Simd::sub(lights[1], lights[0]);
      light_2 = Simd::sub(lights[2], lights[0]);
    }
  };

  static Float mix(Float base, Float towards_1, Float towards_2, Float weight_1, Float weight_2)
  {
    return Simd::add(
      base, Simd::add(Simd::mul(weight_1, towards_1), Simd::mul(weight_2, towards_2)));
  }

  // Index in the surface buffer of eight pixels.
  static Int address(const SurfaceBuffer & buffer, Int pixel)
  {
    const Int x = Simd::bit_and(pixel, Simd::set(0xffff));
    const Int y = Simd::template shift_right<16>(pixel);
    const Int stride = Simd::set(static_cast<std::int32_t>(buffer.stride));
    return Simd::add(
      Simd::mul(Simd::add(y, Simd::set(buffer.row_offset)), stride),
      Simd::add(x, Simd::set(buffer.column_offset)));
  }

  // Nearest integer, ties to even, for |a| < 2^22: what adding 1.5 * 2^23 leaves in the mantissa.
  static Int rounded(Float a)
  {
    constexpr float kMagic = 12582912.0F;
    return Simd::sub(
      Simd::to_bits(Simd::add(a, Simd::set(kMagic))), Simd::to_bits(Simd::set(kMagic)));
  }

  static void draw_pixels(
    const RasterArguments & arguments, const PixelQueue & queue, std::size_t k)
  {
    const Surface surface(
      arguments, queue.corner[0] + k, queue.corner[1] + k, queue.corner[2] + k);
    const Float weight_1 = Simd::from_bits(Simd::load(queue.weight[0] + k));
    const Float weight_2 = Simd::from_bits(Simd::load(queue.weight[1] + k));
    const Int key = rounded(mix(surface.key, surface.key_1, surface.key_2, weight_1, weight_2));
    const Int light =
      rounded(mix(surface.light, surface.light_1, surface.light_2, weight_1, weight_2));
    alignas(32) std::int32_t word[kLanes], at[kLanes];
    Simd::store(word, Simd::add(Simd::template shift_left<kDepthBits>(key), light));
    Simd::store(at, address(arguments.buffer, Simd::load(queue.pixel + k)));
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      raise(arguments.buffer.pixels[at[lane]], word[lane]);
    }
  }

  static void raise(std::uint32_t & pixel, std::int32_t word)
  {
    const auto value = static_cast<std::uint32_t>(word);
    pixel = pixel > value ? pixel : value;
  }

  // What eight triangles come to: values at the first pixel of each box and steps, one array each.
  struct Increments
  {
    alignas(32) std::int32_t at[3][kLanes];  // edges; inside is not negative
    alignas(32) std::int32_t at_x[3][kLanes];
    alignas(32) std::int32_t at_y[3][kLanes];
    alignas(32) std::int32_t word[kLanes];  // surface
    alignas(32) std::int32_t word_x[kLanes];
    alignas(32) std::int32_t word_y[kLanes];
    alignas(32) std::int32_t start[kLanes];  // in the surface buffer
  };

  // Triangles beyond a few pixels: set up eight at once, then eight pixels at once, in blocks of
  // 4 x 4 or in rows.
  template <bool Block>
  static void draw_triangles(
    RasterArguments & arguments, const TriangleQueue & queue, std::size_t k)
  {
    Increments increments;
    const unsigned gentle = set_up(arguments, queue, k, increments);
    const std::size_t lanes = queue.count - k < kLanes ? queue.count - k : kLanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      if (((gentle >> lane) & 1U) == 0) {
        leave_over(
          arguments, queue.corner[0][k + lane], queue.corner[1][k + lane],
          queue.corner[2][k + lane]);
      } else if (Block) {
        draw_block(arguments.buffer, increments, lane);
      } else {
        draw_rows(
          arguments.buffer, increments, lane, static_cast<std::uint32_t>(queue.size[k + lane]));
      }
    }
  }

  // Lanes whose triangles are no steeper than kSteepest.
  static unsigned set_up(
    const RasterArguments & arguments, const TriangleQueue & queue, std::size_t k,
    Increments & increments)
  {
    const Int pixel = Simd::load(queue.pixel + k);
    const Int xy[3] = {
      Simd::load(queue.xy[0] + k), Simd::load(queue.xy[1] + k), Simd::load(queue.xy[2] + k)};
    const Edges<Simd> edges(xy, pixel);
    const Surface surface(
      arguments, queue.corner[0] + k, queue.corner[1] + k, queue.corner[2] + k);
    const Float inverse_area = Simd::div(
      Simd::set(1.0F),
      Simd::to_float(Simd::add(edges.at[0], Simd::add(edges.at[1], edges.at[2]))));
    // Depth key and light are affine: start and steps, rounded to whole units, key above light in
    // one word; carries from light to key cancel in the sum.
    const auto weight = [&](Int doubled_areas) {
      return Simd::mul(Simd::to_float(doubled_areas), inverse_area);
    };
    const Float ax = weight(edges.step_x(1)), bx = weight(edges.step_x(2));
    const Float ay = weight(edges.step_y(1)), by = weight(edges.step_y(2));
    const Float weight_1 = weight(edges.at[1]), weight_2 = weight(edges.at[2]);
    const Float zero = Simd::set(0.0F);
    const Float key_x = mix(zero, surface.key_1, surface.key_2, ax, bx);
    const Float key_y = mix(zero, surface.key_1, surface.key_2, ay, by);
    const Float light_x = mix(zero, surface.light_1, surface.light_2, ax, bx);
    const Float light_y = mix(zero, surface.light_1, surface.light_2, ay, by);
    const Float steepest = Simd::max(
      Simd::max(Simd::abs(key_x), Simd::abs(key_y)),
      Simd::max(Simd::abs(light_x), Simd::abs(light_y)));
    const Float key_start = mix(surface.key, surface.key_1, surface.key_2, weight_1, weight_2);
    const Float light_start =
      mix(surface.light, surface.light_1, surface.light_2, weight_1, weight_2);
    const auto packed = [](Float key, Float light) {
      return Simd::add(Simd::template shift_left<kDepthBits>(rounded(key)), rounded(light));
    };
    for (int c = 0; c < 3; ++c) {
      Simd::store(increments.at[c], Simd::add(edges.at[c], edges.excluded[c]));
      Simd::store(increments.at_x[c], edges.step_x(c));
      Simd::store(increments.at_y[c], edges.step_y(c));
    }
    Simd::store(increments.word, packed(key_start, light_start));
    Simd::store(increments.word_x, packed(key_x, light_x));
    Simd::store(increments.word_y, packed(key_y, light_y));
    Simd::store(increments.start, address(arguments.buffer, pixel));
    return Simd::signs(Simd::less_equal(steepest, Simd::set(kSteepest)));
  }

  // The words that beat those drawn so far, where no edge is negative.
  static Int raised(Int drawn, Int e0, Int e1, Int e2, Int word)
  {
    const Int outside = Simd::template shift_right<31>(Simd::bit_or(e0, Simd::bit_or(e1, e2)));
    return Simd::max_unsigned(drawn, Simd::and_not(outside, word));
  }

  // Always all of kBlockSide x kBlockSide pixels, two rows at a time.
  static void draw_block(
    const SurfaceBuffer & buffer, const Increments & increments, std::size_t lane)
  {
    static_assert(kBlockSide == 4, "two rows are a register");
    const Int column = Simd::bit_and(Simd::iota(), Simd::set(3));
    const Int second_row = Simd::greater(Simd::iota(), Simd::set(3));
    const auto spread = [&](const std::int32_t * at, const std::int32_t * x, Int y) {
      return Simd::add(
        Simd::add(Simd::set(at[lane]), Simd::bit_and(y, second_row)),
        Simd::mul(Simd::set(x[lane]), column));
    };
    const Int y0 = Simd::set(increments.at_y[0][lane]);
    const Int y1 = Simd::set(increments.at_y[1][lane]);
    const Int y2 = Simd::set(increments.at_y[2][lane]);
    const Int word_y = Simd::set(increments.word_y[lane]);
    const Int e0 = spread(increments.at[0], increments.at_x[0], y0);
    const Int e1 = spread(increments.at[1], increments.at_x[1], y1);
    const Int e2 = spread(increments.at[2], increments.at_x[2], y2);
    const Int word = spread(increments.word, increments.word_x, word_y);
    auto * row = reinterpret_cast<std::int32_t *>(buffer.pixels + increments.start[lane]);
    std::int32_t * next = row + buffer.stride;
    Simd::store_halves(row, next, raised(Simd::load_halves(row, next), e0, e1, e2, word));
    row = next + buffer.stride;
    next = row + buffer.stride;
    const auto below = [](Int value, Int y) {
      return Simd::add(value, Simd::template shift_left<1>(y));
    };
    Simd::store_halves(
      row, next,
      raised(
        Simd::load_halves(row, next), below(e0, y0), below(e1, y1), below(e2, y2),
        below(word, word_y)));
  }

  // A box of any size, eight columns at a time. size: last - first pixel, a pair.
  static void draw_rows(
    const SurfaceBuffer & buffer, const Increments & increments, std::size_t lane,
    std::uint32_t size)
  {
    const auto columns = static_cast<std::int32_t>(size & 0xffffU) + 1;
    const auto rows = static_cast<std::int32_t>(size >> 16) + 1;
    const Int iota = Simd::iota();
    const auto spread = [&](const std::int32_t * at, const std::int32_t * x) {
      return Simd::add(Simd::set(at[lane]), Simd::mul(Simd::set(x[lane]), iota));
    };
    const auto right = [&](Int value, const std::int32_t * x) {
      return Simd::add(value, Simd::template shift_left<3>(Simd::set(x[lane])));
    };
    const Int y0 = Simd::set(increments.at_y[0][lane]);
    const Int y1 = Simd::set(increments.at_y[1][lane]);
    const Int y2 = Simd::set(increments.at_y[2][lane]);
    const Int word_y = Simd::set(increments.word_y[lane]);
    Int top0 = spread(increments.at[0], increments.at_x[0]);
    Int top1 = spread(increments.at[1], increments.at_x[1]);
    Int top2 = spread(increments.at[2], increments.at_x[2]);
    Int top_word = spread(increments.word, increments.word_x);
    std::uint32_t * column = buffer.pixels + increments.start[lane];
    for (std::int32_t left = columns;;) {
      Int e0 = top0, e1 = top1, e2 = top2, word = top_word;
      auto * row = reinterpret_cast<std::int32_t *>(column);
      for (std::int32_t y = 0; y < rows; ++y) {
        Simd::store(row, raised(Simd::load(row), e0, e1, e2, word));
        row += buffer.stride;
        e0 = Simd::add(e0, y0);
        e1 = Simd::add(e1, y1);
        e2 = Simd::add(e2, y2);
        word = Simd::add(word, word_y);
      }
      left -= static_cast<std::int32_t>(kLanes);
      if (left <= 0) {
        return;
      }
      column += kLanes;
      top0 = right(top0, increments.at_x[0]);
      top1 = right(top1, increments.at_x[1]);
      top2 = right(top2, increments.at_x[2]);
      top_word = right(top_word, increments.word_x);
    }
  }
};

}  // namespace
}  // namespace face_recon
