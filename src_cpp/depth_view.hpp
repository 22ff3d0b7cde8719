// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Depth images in memory, and what is read from them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace face_recon
{

// Metres of a unit of 16-bit depth (REP-118).
constexpr double kMillimetre = 0.001;
// What some cameras give where nothing was measured, besides 0.
constexpr std::uint16_t kMissingMillimetres = 65535;

enum class DepthUnit
{
  kMillimetres16,
  kMetres32,
  kMetres64
};

// A depth image of any layout; 0, negative, NaN, infinite, or kMissingMillimetres where nothing was
// measured.
struct DepthView
{
  const unsigned char * values = nullptr;
  DepthUnit unit = DepthUnit::kMetres32;
  std::ptrdiff_t height = 0;
  std::ptrdiff_t width = 0;
  // Bytes from a row, and from a pixel, to the next.
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 0;
};

// Return the depth in metres at a pixel, the mean of the four around, of which one may be missing;
// NaN where none is, at edges, and outside.
double depth_at(const DepthView & depth, double x_px, double y_px);

// Return the standard deviation assumed of a sensor's depth, metres.
double depth_noise(double depth_m);

}  // namespace face_recon
