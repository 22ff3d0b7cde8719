// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Light on a vertex and colour of a pixel.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "renderer.hpp"

namespace face_recon
{

// Light as stored at vertices and pixels: 16 bits, kLightUnit per 1.0, kept off both ends of the
// range so that the rounding of interpolation cannot leave it.
constexpr int kLightBits = 14;
constexpr std::int32_t kLightUnit = 1 << kLightBits;
constexpr std::int32_t kLightOffset = 512;

struct LightModel
{
  std::array<float, 3> towards_light;
  std::array<float, 3> halfway;
  float ambient;
  float diffuse;
  float specular;

  explicit LightModel(const Shading & shading)
  : ambient(shading.ambient), diffuse(shading.diffuse), specular(shading.specular)
  {
    towards_light = normalised(shading.light);
    halfway = normalised({towards_light[0], towards_light[1], towards_light[2] + 1.0F});
  }

  // (b - a) x (d - c), see Topology::normal_ring.
  std::int32_t at(const float * a, const float * b, const float * c, const float * d) const
  {
    const float ux = b[0] - a[0], uy = b[1] - a[1], uz = b[2] - a[2];
    const float vx = d[0] - c[0], vy = d[1] - c[1], vz = d[2] - c[2];
    const float nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
    const float squared = nx * nx + ny * ny + nz * nz + 1e-30F;
    const float inverse = 1.0F / std::sqrt(squared);
    const float lambert = std::max(
      0.0F, (nx * towards_light[0] + ny * towards_light[1] + nz * towards_light[2]) * inverse);
    float shine = std::max(0.0F, (nx * halfway[0] + ny * halfway[1] + nz * halfway[2]) * inverse);
    shine *= shine;
    shine *= shine;
    shine *= shine;
    shine *= shine;
    const float light = ambient + diffuse * lambert + specular * shine;
    const float clipped = light > 0.0F ? (light < 2.0F ? light : 2.0F) : 0.0F;  // NaN gives 0
    return static_cast<std::int32_t>(clipped * kLightUnit + (kLightOffset + 0.5F));
  }

private:
  static std::array<float, 3> normalised(const std::array<float, 3> & v)
  {
    const float length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    const float scale = length > 0.0F && std::isfinite(length) ? 1.0F / length : 0.0F;
    return {v[0] * scale, v[1] * scale, v[2] * scale};
  }
};

// One channel under a stored light.
inline std::int32_t lit(std::int32_t color, std::int32_t stored_light)
{
  const std::int32_t light = std::clamp(stored_light - kLightOffset, 0, 2 * kLightUnit);
  const std::int32_t plain = std::min(light, kLightUnit);
  const std::int32_t excess = light - plain;
  return (color * plain + (255 - color) * excess + kLightUnit / 2) >> kLightBits;
}

// opacity_256: 0..256.
inline std::uint8_t blend(std::uint8_t under, std::int32_t over, std::int32_t opacity_256)
{
  return static_cast<std::uint8_t>((under * (256 - opacity_256) + over * opacity_256 + 128) >> 8);
}

}  // namespace face_recon
