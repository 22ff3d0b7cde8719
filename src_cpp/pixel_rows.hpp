// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// From surface words to pixels in plain C++, for instruction sets without a version of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels.hpp"
#include "shading.hpp"

namespace face_recon
{
namespace
{

void shade_row(
  const std::uint32_t * surface, std::uint8_t * bgr, std::size_t count, std::size_t,
  const ShadeArguments & arguments)
{
  for (std::size_t i = 0; i < count; ++i, bgr += 3) {
    if (surface[i] == 0) {
      continue;
    }
    const auto light = static_cast<std::int32_t>(surface[i] & 0xffffU);
    for (std::size_t c = 0; c < 3; ++c) {
      bgr[c] = blend(bgr[c], lit(arguments.color[c], light), arguments.opacity_256);
    }
  }
}

void depth_row(
  const std::uint32_t * surface, float * depth, std::size_t count, float base, float step)
{
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = static_cast<float>(static_cast<std::int32_t>(surface[i] >> kDepthBits));
    depth[i] = surface[i] != 0 ? base + step * key : std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace
}  // namespace face_recon
