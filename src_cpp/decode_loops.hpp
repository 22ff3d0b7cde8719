// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Dense decoding: from the weights of the components to the pixels of all vertices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "lanes.hpp"

namespace face_recon
{
namespace
{

template <typename Simd>
struct DecodeLoops
{
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  static constexpr std::size_t kDecodeGroups = kDecodeBlock / kLanes;
  static constexpr std::size_t kDecodeValues = 3 * kDecodeGroups;  // registers of a block

  static void accumulate(
    Float (&value)[kDecodeValues], const std::int16_t *& basis, std::size_t first,
    std::size_t pairs, const DecodeArguments & arguments)
  {
    for (std::size_t pair = first; pair < first + pairs; ++pair) {
      const Int weights = Simd::set(arguments.weights[pair]);
      const Float scale = Simd::set(arguments.scale[pair]);
      for (std::size_t i = 0; i < kDecodeValues; ++i) {
        const Int sum = Simd::dot_pairs(Simd::load_pairs(basis + 2 * kLanes * i), weights);
        value[i] = Simd::add(value[i], Simd::mul(Simd::to_float(sum), scale));
      }
      basis += 2 * kLanes * kDecodeValues;
    }
  }

  // Eight model points to pixels, one after the other.
  static void project(float * to, Float x, Float y, Float z, const float * camera)
  {
    Float pixel[3];
    for (int row = 0; row < 3; ++row) {
      const float * c = camera + 4 * row;
      const Float factors[3] = {Simd::set(c[0]), Simd::set(c[1]), Simd::set(c[2])};
      pixel[row] = Simd::add(dot<Simd>(x, y, z, factors), Simd::set(c[3]));
    }
    Simd::store_points(to, pixel[0], pixel[1], pixel[2]);
  }

  static void scatter(
    float * out, const float * points, const std::int32_t * vertex, std::size_t count)
  {
    for (std::size_t k = 0; k < count; ++k) {
      float * to = out + 3 * std::ptrdiff_t{vertex[k]};
      to[0] = points[3 * k];
      to[1] = points[3 * k + 1];
      to[2] = points[3 * k + 2];
    }
  }

  static void decode(const DecodeArguments & arguments)
  {
    const float * mean = arguments.mean;
    const std::int16_t * basis = arguments.basis;
    for (std::size_t first = 0; first < arguments.points; first += kDecodeBlock) {
      Float even[kDecodeValues], odd[kDecodeValues];
      for (std::size_t i = 0; i < kDecodeValues; ++i) {
        even[i] = Simd::load(mean + kLanes * i);
        odd[i] = Simd::set(0.0F);
      }
      mean += kLanes * kDecodeValues;
      accumulate(even, basis, 0, arguments.even_pairs, arguments);
      accumulate(odd, basis, arguments.even_pairs, arguments.odd_pairs, arguments);
      for (std::size_t group = 0; group < kDecodeGroups; ++group) {
        const std::size_t point = first + kLanes * group;
        if (point >= arguments.points) {
          break;
        }
        const std::size_t rest = arguments.points - point;
        const std::size_t lanes = rest < kLanes ? rest : kLanes;
        const Float ex = even[group], ey = even[kDecodeGroups + group];
        const Float ez = even[2 * kDecodeGroups + group];
        const Float ox = odd[group], oy = odd[kDecodeGroups + group];
        const Float oz = odd[2 * kDecodeGroups + group];
        alignas(32) float pixels[3 * kLanes];
        project(pixels, Simd::add(ex, ox), Simd::add(ey, oy), Simd::add(ez, oz), arguments.camera);
        if (arguments.left == nullptr) {
          for (std::size_t i = 0; i < 3 * lanes; ++i) {
            arguments.out[3 * point + i] = pixels[i];
          }
          continue;
        }
        scatter(arguments.out, pixels, arguments.left + point, lanes);
        project(pixels, Simd::sub(ox, ex), Simd::sub(ey, oy), Simd::sub(ez, oz), arguments.camera);
        scatter(arguments.out, pixels, arguments.right + point, lanes);
      }
    }
  }
};

}  // namespace
}  // namespace face_recon
