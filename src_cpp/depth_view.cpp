// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "depth_view.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace face_recon
{
namespace
{

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Noise of a sensor's depth: constant part in metres, and per squared metre of distance (stereo).
constexpr double kNoise = 0.002;
constexpr double kNoisePerMetre = 0.003;
// A measurement whose neighbours differ by more is an edge: metres, and times the noise.
constexpr double kEdge = 0.012;
constexpr double kEdgeNoises = 4.0;

double value_at(const DepthView & depth, std::ptrdiff_t x, std::ptrdiff_t y)
{
  const unsigned char * place = depth.values + y * depth.row_stride + x * depth.column_stride;
  double metres = 0.0;
  if (depth.unit == DepthUnit::kMillimetres16) {
    std::uint16_t millimetres = 0;
    std::memcpy(&millimetres, place, sizeof millimetres);
    metres = millimetres == kMissingMillimetres ? 0.0 : kMillimetre * millimetres;
  } else if (depth.unit == DepthUnit::kMetres32) {
    float value = 0.0F;
    std::memcpy(&value, place, sizeof value);
    metres = value;
  } else {
    std::memcpy(&metres, place, sizeof metres);
  }
  return metres > 0.0 && std::isfinite(metres) ? metres : kNan;
}

}  // namespace

double depth_noise(double depth_m) { return kNoise + kNoisePerMetre * depth_m * depth_m; }

double depth_at(const DepthView & depth, double x_px, double y_px)
{
  // NaN is outside, too
  if (!(x_px >= 0 && y_px >= 0 && x_px < static_cast<double>(depth.width - 1) &&
        y_px < static_cast<double>(depth.height - 1))) {
    return kNan;
  }
  const auto x = static_cast<std::ptrdiff_t>(x_px);
  const auto y = static_cast<std::ptrdiff_t>(y_px);
  double low = std::numeric_limits<double>::infinity(), high = 0.0, sum = 0.0;
  int known = 0;
  for (std::ptrdiff_t corner = 0; corner < 4; ++corner) {
    const double value = value_at(depth, x + corner % 2, y + corner / 2);
    if (value > 0.0) {
      low = std::min(low, value);
      high = std::max(high, value);
      sum += value;
      ++known;
    }
  }
  if (known < 3 || high - low > std::max(kEdge, kEdgeNoises * depth_noise(low))) {
    return kNan;
  }
  return sum / known;
}

}  // namespace face_recon
