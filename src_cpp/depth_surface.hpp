// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Whether the surface where a face was seen is that of a face: no plane, and nearer than what is
// around it. In inverse depth a plane is linear in the ray, so both are linear least squares.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "depth_view.hpp"

namespace face_recon
{

// Points whose depth was measured; arrays are row-major.
struct MeasuredPoints
{
  std::size_t count = 0;
  const double * rays = nullptr;   // (N, 3) with z = 1; NaN where the pixel looks nowhere
  const double * depth = nullptr;  // (N,) metres, NaN where none was measured
};

// A face after its alignment.
struct AlignedFace
{
  const double * points_m = nullptr;  // (N, 3) model axes
  const double * normals = nullptr;   // (N, 3) model axes, unit length
  std::array<double, 9> rotation{};   // optical frame from model axes
  double distance_m = 0.0;            // of the model's origin along the optical axis
  double head_scale = 1.0;
};

// Tell whether a plane is much nearer to the measured surface than the face.
bool is_flat(const AlignedFace & face, const MeasuredPoints & measured);

// Tell whether a face is nearer than the surface around it goes on; nothing where that cannot be
// told. around_px (count, 2), around_rays (count, 3): pixels of the depth image, and where they look.
std::optional<bool> stands_out(
  const MeasuredPoints & face, const DepthView & depth, std::size_t around,
  const double * around_px, const double * around_rays);

}  // namespace face_recon
