// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A face's pose against a depth image: distance, size and rotation of the head.
//
// Points of the face model's skin are looked up in the depth image at the pixels where the colour
// image's fit shows them. Gauss-Newton steps on point-to-plane distances (Chen and Medioni 1991)
// find rotation, distance and size; what the colour image knows is the prior. Tukey's biweight
// leaves out hair, hands, glasses and walls.
//
// What the depth says of the head's size and the face's relief together is left as normal equations,
// free of rotation and place, for a filter over a person's images.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "depth_view.hpp"
#include "small_algebra.hpp"

namespace face_recon
{

// What one image says of a face. Arrays of N points are row-major; rotations, too.
struct SeenFace
{
  std::size_t count = 0;
  const double * points_m = nullptr;  // (N, 3) model axes
  const double * normals = nullptr;   // (N, 3) model axes, unit length
  const double * pixels = nullptr;    // (N, 2)
  const double * rays = nullptr;      // (N, 3) with z = 1; NaN where the pixel looks nowhere
  std::array<double, 9> rotation{};   // optical frame from model axes
  std::array<double, 3> translation_m{};
  double head_scale = 1.0;
  std::array<double, 9> rotation_covariance{};  // rad^2, optical frame
  double focal_length_px = 1.0;
  // How far each mode of people's reliefs moves a point along its normal: (N, modes), metres; and
  // how far the points given lie out of their mean, but for a similarity: (N,).
  std::size_t modes = 0;
  const float * moves_m = nullptr;
  const double * offsets_m = nullptr;
  // Of the variance of the depth's noise: below 1 where images alike are averaged, above 1 where
  // points share their noise.
  double noise_factor = 1.0;
};

enum class Outcome
{
  kAligned,
  kLooksAway,
  kFewValid,  // value: part with a measured depth
  kOtherDepth,
  kFewInliers,  // value: part that fits
  kFarOff,      // value: root mean square distance, m
};

struct Alignment
{
  Outcome outcome = Outcome::kOtherDepth;
  double value = 0.0;  // of a refusal
  std::array<double, 9> rotation{};
  std::array<double, 3> translation_m{};
  std::array<double, 3> centre_m{};  // of the points, optical frame
  std::array<double, 36>
    covariance{};  // position m^2, rotation rad^2; position along the ray only
  double head_scale = 0.0;
  double scale_sigma = 0.0;  // relative
  // The size by how large the face looks at the measured distance.
  double apparent_scale = 0.0;
  // Normal equations of what the measured relief says of (logarithm of size, weights of modes):
  // information (1 + modes, 1 + modes), and what it gives for steps from head_scale and the mean.
  // Empty where the surface is turned: its relief says nothing.
  std::vector<double> relief_information;
  std::vector<double> relief_vector;
  // Whether the surface is turned otherwise than both sigmas allow, or lies far beside the image;
  // then the rotation is the colour image's.
  bool turned = false;
  double residual_m = 0.0;
  double valid = 0.0;
  double inliers = 0.0;
  std::array<double, 2> shift_m{};
};

Alignment align(const SeenFace & face, const DepthView & depth);

// A turn, rad, and its covariance.
struct DoubtfulTurn
{
  Vector3 turn{};
  Matrix3 covariance{};
};

// What is left of a turn without its prior of zero, of this covariance.
DoubtfulTurn without_prior(const DoubtfulTurn & found, const Matrix3 & prior);

// The logarithm of a skin's size, and its variance.
struct SkinSize
{
  double log_size = 0.0;
  double variance = 0.0;
};

// By how large a face looks, a logarithm, and by normal equations of `count` unknowns as those of
// Alignment's relief, whose modes have the variance 1 among people. NaN: they are none.
SkinSize skin_size(
  const double * information, const double * vector, std::size_t count, double looks,
  double looks_sigma);

}  // namespace face_recon
