// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Both eyes of a face, the person's right one first: what a network says of them, as it is in the
// image, and where they look.
#pragma once

#include <array>
#include <cstddef>

#include "small_algebra.hpp"

namespace face_recon
{

using Vector2 = std::array<double, 2>;
template <typename Value>
using OfBoth = std::array<Value, 2>;

// Points of an eye's outline: inner corner, lower lid, outer corner, upper lid.
constexpr std::size_t kLidPoints = 16;
// What the network says of an eye: points of iris and outline, the iris' radius, how far it is
// turned in a head from in front, and by how much a turned head changes that (2, 2).
constexpr std::size_t kEyePoints = 1 + kLidPoints;
constexpr std::size_t kEyeOutputs = 2 * kEyePoints + 1 + 2 + 4;

// Height of the opening relative to the distance of the corners, of closed and of wide eyes; and
// how wide an eye is, corner to corner, of which openness is told.
struct OpennessScale
{
  double closed_ratio = 0.0;
  double wide_ratio = 1.0;
  double least_width_px = 0.0;
};

// See eyes.landmarks.EyeLandmarks.
struct EyeInImage
{
  Vector2 iris_px{};
  double radius_px = 0.0;
  std::array<Vector2, kLidPoints> lids_px{};
  double openness = 0.0;
  double width_px = 0.0;
  Vector2 turn{};
};

// outputs (kEyeOutputs,): of one eye; image_from_crop (2, 3): a similarity, mirrored where the
// crop was; head: how far the head is turned from the viewing ray to the eye, sines, to the
// image's right and down.
EyeInImage read_eye(
  const float * outputs, const std::array<double, 6> & image_from_crop, const Vector2 & head,
  const OpennessScale & scale);

// How far a direction is turned from the viewing ray to a point: sines, to the image's right and
// down.
Vector2 sines_seen(const Vector3 & direction, const Vector3 & point_m);

// See eyes.gaze.GazeConstants, and the constants there.
struct GazeSettings
{
  double gain = 1.0;
  double vertical_gain = 1.0;
  double half_width_px = 0.0;
  double eye_sigma = 0.0;
  double noise_width_px = 0.0;
  double spread_rad = 0.0;
  double tilt_rad = 0.0;
  double least_width_px = 0.0;
  double least_openness = 0.0;
  double full_openness = 1.0;
  double least_width_ratio = 0.0;
  double eye_width_m = 1.0;
  double most_sine = 1.0;
};

// corners_m: of each eye, as the camera sees them, from its centre. rotation: optical frame from
// the face's. rotation_covariance: of that, rad^2, optical frame.
struct SeenEyes
{
  OfBoth<Vector2> turns{};
  Vector2 width_px{};
  Vector2 openness{};
  OfBoth<OfBoth<Vector3>> corners_m{};
  Matrix3 rotation{};
  Matrix3 rotation_covariance{};
  double head_scale = 1.0;
};

// direction: unit, optical frame. variance: the sum of those across it, sines. Both hold where an
// eye was measured.
struct SeenGaze
{
  OfBoth<bool> measured{};
  Vector3 direction{};
  double variance = 0.0;
};

// The best linear unbiased estimate of the gaze, of eyes and head.
SeenGaze gaze_of(const SeenEyes & eyes, const GazeSettings & known);

}  // namespace face_recon
