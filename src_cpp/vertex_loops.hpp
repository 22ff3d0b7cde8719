// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Vertices: their bounds, and what the rasteriser needs of each: snapped place, depth key and light.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "lanes.hpp"
#include "screen_space.hpp"
#include "shading.hpp"
#include "topology.hpp"

namespace face_recon
{
namespace
{

template <typename Simd>
struct VertexLoops
{
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  static Bounds bounds(const float * vertices, std::size_t count)
  {
    // Eight points are three registers; lane l of register r holds axis (8 * r + l) % 3.
    Float low[3], high[3];
    Int usable = Simd::set(-1);
    const Float limit = Simd::set(kCoordinateLimitPx);
    for (int r = 0; r < 3; ++r) {
      low[r] = Simd::set(kCoordinateLimitPx);
      high[r] = Simd::set(-kCoordinateLimitPx);
    }
    const std::size_t whole = count / kLanes * kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t r = 0; r < 3; ++r) {
        const Float values = Simd::load(vertices + 3 * i + kLanes * r);
        usable = Simd::bit_and(usable, Simd::less_equal(Simd::abs(values), limit));
        low[r] = Simd::min(values, low[r]);
        high[r] = Simd::max(values, high[r]);
      }
    }
    Bounds result;
    result.usable = Simd::signs(usable) == 0xffU;
    for (int axis = 0; axis < 3; ++axis) {
      result.low[axis] = kCoordinateLimitPx;
      result.high[axis] = -kCoordinateLimitPx;
    }
    const auto include = [&](std::size_t axis, float smallest, float largest) {
      result.low[axis] = smallest < result.low[axis] ? smallest : result.low[axis];
      result.high[axis] = largest > result.high[axis] ? largest : result.high[axis];
    };
    for (std::size_t r = 0; r < 3; ++r) {
      float smallest[kLanes], largest[kLanes];
      Simd::store(smallest, low[r]);
      Simd::store(largest, high[r]);
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        include((kLanes * r + lane) % 3, smallest[lane], largest[lane]);
      }
    }
    for (std::size_t i = 3 * whole; i < 3 * count; ++i) {
      if (!(std::fabs(vertices[i]) <= kCoordinateLimitPx)) {
        result.usable = false;
      }
      include(i % 3, vertices[i], vertices[i]);
    }
    return result;
  }

  static Int floor(Float a)
  {
    const Int towards_zero = Simd::truncate(a);
    const Int not_above = Simd::less_equal(Simd::to_float(towards_zero), a);
    return Simd::sub(Simd::sub(towards_zero, Simd::set(1)), not_above);
  }

  static Int snapped(Float coordinate)
  {
    return floor(
      Simd::add(
        Simd::mul(coordinate, Simd::set(static_cast<float>(kSubpixels))), Simd::set(0.5F)));
  }

  struct Light
  {
    Float towards[3];
    Float halfway[3];
    Float ambient, diffuse, specular;

    explicit Light(const PlaceArguments & arguments)
    : ambient(Simd::set(arguments.ambient)),
      diffuse(Simd::set(arguments.diffuse)),
      specular(Simd::set(arguments.specular))
    {
      for (int k = 0; k < 3; ++k) {
        towards[k] = Simd::set(arguments.towards_light[k]);
        halfway[k] = Simd::set(arguments.halfway[k]);
      }
    }
  };

  // 1 / sqrt(a), relative error below 7e-4 (a fifth of a grey level): one Newton step from a first
  // guess by the exponent, constants by Kadlec, "Improving the fast inverse square root" (2010).
  // All instruction sets can do this alike and sooner than by root and division.
  static Float inverse_root(Float a)
  {
    const Float guess = Simd::from_bits(
      Simd::sub(Simd::set(0x5f1ffff9), Simd::template shift_right<1>(Simd::to_bits(a))));
    const Float product = Simd::mul(Simd::mul(a, guess), guess);
    return Simd::mul(
      Simd::mul(guess, Simd::set(0.703952253F)), Simd::sub(Simd::set(2.38924456F), product));
  }

  // Stored light under normals of any length; LightModel::at says the same for one vertex.
  static Int lights(const Float (&normal)[3], const Light & light)
  {
    const Float squared =
      Simd::add(dot<Simd>(normal[0], normal[1], normal[2], normal), Simd::set(1e-30F));
    const Float inverse = inverse_root(squared);
    const Float zero = Simd::set(0.0F);
    const Float lambert = Simd::max(
      Simd::mul(dot<Simd>(normal[0], normal[1], normal[2], light.towards), inverse), zero);
    Float shine = Simd::max(
      Simd::mul(dot<Simd>(normal[0], normal[1], normal[2], light.halfway), inverse), zero);
    for (int doubling = 0; doubling < 4; ++doubling) {
      shine = Simd::mul(shine, shine);
    }
    const Float sum = Simd::add(
      Simd::add(light.ambient, Simd::mul(light.diffuse, lambert)),
      Simd::mul(light.specular, shine));
    const Float clipped = Simd::min(Simd::max(sum, zero), Simd::set(2.0F));
    return Simd::truncate(
      Simd::add(
        Simd::mul(clipped, Simd::set(static_cast<float>(kLightUnit))),
        Simd::set(static_cast<float>(kLightOffset) + 0.5F)));
  }

  static void place(const PlaceArguments & arguments)
  {
    const std::size_t first = arguments.first, last = arguments.last;
    const std::size_t beyond = arguments.readable_beyond;
    place_range<true>(arguments, first, last < beyond ? last : beyond);
    place_range<false>(arguments, first > beyond ? first : beyond, last);
  }

  // Beyond: a word after each point can be read.
  template <bool Beyond>
  static void place_range(const PlaceArguments & arguments, std::size_t first, std::size_t last)
  {
    const Light light(arguments);
    const Int origin_x = Simd::set(arguments.origin_x), origin_y = Simd::set(arguments.origin_y);
    const Float key_from[3] = {
      Simd::set(arguments.key_from[0]), Simd::set(arguments.key_from[1]),
      Simd::set(arguments.key_from[2])};
    const Float key_offset = Simd::set(arguments.key_from[3]);
    auto * surface = reinterpret_cast<std::int32_t *>(arguments.surface);
    const Float key_low = Simd::set(static_cast<float>(kKeyMargin));
    const Float key_high = Simd::set(static_cast<float>(kKeyMargin + kKeyRange));
    // Normals of some vertices first, then their light: two short bodies run further ahead of their
    // own latencies than a long one.
    constexpr std::size_t kRun = 8 * kLanes;
    alignas(32) float normals[3][kRun];
    for (std::size_t run = first; run < last; run += kRun) {
      const std::size_t end = run + kRun < last ? run + kRun : last;
      for (std::size_t i = run; i < end; i += kLanes) {
        const std::int32_t * points = arguments.points + Topology::kPointsOf * i;
        Float x, y, z;
        Simd::template load_points<Beyond>(arguments.vertices, points, x, y, z);
        const Int column = Simd::sub(snapped(x), origin_x);
        const Int row = Simd::sub(snapped(y), origin_y);
        Simd::store(
          arguments.xy + i,
          Simd::bit_or(
            Simd::bit_and(column, Simd::set(0xffff)), Simd::template shift_left<16>(row)));
        const Float key = Simd::add(dot<Simd>(x, y, z, key_from), key_offset);
        Simd::store(
          surface + i, Simd::template shift_left<kDepthBits>(
                         Simd::truncate(Simd::min(Simd::max(key, key_low), key_high))));
        if (arguments.with_light) {
          const std::int32_t * ring = points + kLanes;
          Float ux, uy, uz, vx, vy, vz;
          Simd::template load_chords<Beyond>(arguments.vertices, ring, ring + kLanes, ux, uy, uz);
          Simd::template load_chords<Beyond>(
            arguments.vertices, ring + 2 * kLanes, ring + 3 * kLanes, vx, vy, vz);
          const std::size_t k = i - run;
          Simd::store(normals[0] + k, Simd::sub(Simd::mul(uy, vz), Simd::mul(uz, vy)));
          Simd::store(normals[1] + k, Simd::sub(Simd::mul(uz, vx), Simd::mul(ux, vz)));
          Simd::store(normals[2] + k, Simd::sub(Simd::mul(ux, vy), Simd::mul(uy, vx)));
        }
      }
      for (std::size_t i = run; i < end && arguments.with_light; i += kLanes) {
        const std::size_t k = i - run;
        const Float normal[3] = {
          Simd::load(normals[0] + k), Simd::load(normals[1] + k), Simd::load(normals[2] + k)};
        Simd::store(surface + i, Simd::bit_or(Simd::load(surface + i), lights(normal, light)));
      }
    }
  }
};

}  // namespace
}  // namespace face_recon
