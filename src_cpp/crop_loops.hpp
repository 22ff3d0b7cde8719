// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Crops of images in plain C++: sampling, and a Gaussian blur by rows and columns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"

namespace face_recon
{
namespace
{

constexpr int kWeightBits = kSampleWeightBits / 2;
constexpr std::int32_t kWeightOne = 1 << kWeightBits;

// A place between four pixels: the upper left one, and the weights of the right and lower ones.
struct SamplePlace
{
  std::int32_t x, y;
  std::int32_t right, down;
};

inline SamplePlace sample_place(std::int64_t x, std::int64_t y)
{
  constexpr int kFraction = kPlaceBits - kWeightBits;
  constexpr std::int64_t kMask = kWeightOne - 1;
  return {
    static_cast<std::int32_t>(x >> kPlaceBits), static_cast<std::int32_t>(y >> kPlaceBits),
    static_cast<std::int32_t>((x >> kFraction) & kMask),
    static_cast<std::int32_t>((y >> kFraction) & kMask)};
}

// Where what lies outside the image is black.
inline void sample_at_edge(const SampleArguments & a, const SamplePlace & at, float * out)
{
  std::int32_t sums[3] = {};
  for (std::int32_t row = 0; row < 2; ++row) {
    for (std::int32_t column = 0; column < 2; ++column) {
      const std::int32_t x = at.x + column;
      const std::int32_t y = at.y + row;
      if (x < 0 || y < 0 || x >= a.width || y >= a.height) {
        continue;
      }
      const std::uint8_t * pixel = a.image + y * a.row_bytes + std::int64_t{3} * x;
      const std::int32_t weight = (column != 0 ? at.right : kWeightOne - at.right) *
                                  (row != 0 ? at.down : kWeightOne - at.down);
      for (std::size_t c = 0; c < 3; ++c) {
        sums[c] += weight * pixel[2 - c];
      }
    }
  }
  for (std::size_t c = 0; c < 3; ++c) {
    out[c] = static_cast<float>(sums[c]);
  }
}

// Calls `inside(pixel, place, out)` where eight bytes of two rows may be read from the upper left
// pixel on.
template <typename Inside>
void sample_places(const SampleArguments & a, const Inside & inside)
{
  const auto inner_width = static_cast<std::uint32_t>(a.width > 2 ? a.width - 2 : 0);
  const auto inner_height = static_cast<std::uint32_t>(a.height > 1 ? a.height - 1 : 0);
  std::int64_t x = a.x;
  std::int64_t y = a.y;
  for (std::size_t i = 0; i < a.count; ++i, x += a.step_x, y += a.step_y) {
    const SamplePlace at = sample_place(x, y);
    if (
      static_cast<std::uint32_t>(at.x) < inner_width &&
      static_cast<std::uint32_t>(at.y) < inner_height) {
      inside(a.image + at.y * a.row_bytes + std::int64_t{3} * at.x, at, a.out + 3 * i);
    } else {
      sample_at_edge(a, at, a.out + 3 * i);
    }
  }
}

// Plain, for instruction sets without a version of their own.
inline void sample_row(const SampleArguments & a)
{
  sample_places(a, [&](const std::uint8_t * upper, const SamplePlace & at, float * out) {
    const std::uint8_t * lower = upper + a.row_bytes;
    const std::int32_t left = kWeightOne - at.right;
    const std::int32_t up = kWeightOne - at.down;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::int32_t sum = up * (left * upper[2 - c] + at.right * upper[5 - c]) +
                               at.down * (left * lower[2 - c] + at.right * lower[5 - c]);
      out[c] = static_cast<float>(sum);
    }
  });
}

inline void blur_row(const float * row, float * out, std::size_t count, const float * weights)
{
  const float w0 = weights[0];
  const float w1 = weights[1];
  const float w2 = weights[2];
  const float w3 = weights[3];
  for (std::size_t i = 0; i < count; ++i) {
    const float * at = row + i;
    out[i] = w0 * at[9] + w1 * (at[6] + at[12]) + w2 * (at[3] + at[15]) + w3 * (at[0] + at[18]);
  }
}

inline void mix_rows(
  const float * const * rows, float * out, std::size_t count, const float * weights)
{
  const float w0 = weights[0];
  const float w1 = weights[1];
  const float w2 = weights[2];
  const float w3 = weights[3];
  const float * r0 = rows[0];
  const float * r1 = rows[1];
  const float * r2 = rows[2];
  const float * r3 = rows[3];
  const float * r4 = rows[4];
  const float * r5 = rows[5];
  const float * r6 = rows[6];
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = w0 * r3[i] + w1 * (r2[i] + r4[i]) + w2 * (r1[i] + r5[i]) + w3 * (r0[i] + r6[i]);
  }
}

}  // namespace
}  // namespace face_recon
