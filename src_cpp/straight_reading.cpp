// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "straight_reading.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace face_recon
{

namespace
{

// Of the rotation that is told. One takes some degrees to some hundredths; far from the optical
// axis three are needed. Less than that many radians are no matter.
constexpr int kMostRounds = 3;
constexpr double kSettledRad = 0.001;

// The angle of a rotation, of small ones nearly.
double angle_of(const Matrix3 & r) { return 0.5 * norm({r[7] - r[5], r[2] - r[6], r[3] - r[1]}); }

std::array<double, 2> taken_by(const Matrix3 & homography, double x, double y)
{
  const Vector3 placed = homography * Vector3{x, y, 1};
  return {placed[0] / placed[2], placed[1] / placed[2]};
}

// Model axes -> image right, up, towards the viewer, of a camera matrix with y down.
Matrix3 rotation_in(const std::array<double, 12> & c)
{
  const double scale = norm({c[0], c[1], c[2]});
  return {c[0] / scale,  c[1] / scale,  c[2] / scale,   //
          -c[4] / scale, -c[5] / scale, -c[6] / scale,  //
          c[8] / scale,  c[9] / scale,  c[10] / scale};
}

}  // namespace

StraightReader::StraightReader(NetworkReader reader, LandmarkDecoder decoder, PoseSolver pose)
: reader_(std::move(reader)), decoder_(std::move(decoder)), pose_(std::move(pose))
{
}

StraightFace StraightReader::read(
  const double * parameters, const double * points, const CropPlace & place) const
{
  const Matrix3 & image_from_crop = place.image_from_crop;
  const Matrix3 & plane_from_crop = place.plane_from_crop;
  constexpr std::size_t kMatrix = 12;
  std::array<double, kMatrix> in_crop{};
  std::copy_n(parameters, kMatrix, in_crop.begin());
  StraightFace found;
  found.coefficients.assign(
    parameters + kMatrix, parameters + kMatrix + reader_.coefficient_count());
  std::vector<std::array<double, 2>> in_image(reader_.landmark_count());
  for (std::size_t n = 0; n < in_image.size(); ++n) {
    in_image[n] = taken_by(image_from_crop, points[3 * n], points[3 * n + 1]);
  }
  const Matrix3 plane_from_image = plane_from_crop * inverse(image_from_crop);
  // x right, y up
  const double roll = std::atan2(plane_from_crop[3], plane_from_crop[0]);
  Matrix3 told = rotation_of({0, 0, -roll}) * rotation_in(in_crop);
  // x right, y down, away from the viewer
  const Matrix3 viewer = diagonal({1, -1, -1});
  Matrix3 wanted{};
  const bool known = pose_.rotation_by(
    plane_from_crop, place.calibrated, in_crop, found.coefficients.data(), wanted);
  std::vector<Vector3> points_m = decoder_.points_of(found.coefficients.data());
  const double fit_error = reader_.fit_error(in_crop, points_m, points);
  auto matrix = decoder_.decode(in_image, told, points_m, found.coefficients.data());
  for (int round = 0; known && round < kMostRounds; ++round) {
    Matrix3 made{};
    const double * coefficients = found.coefficients.data();
    if (!pose_.rotation_by(plane_from_image, place.calibrated, matrix, coefficients, made)) {
      break;
    }
    const Matrix3 left = wanted * transposed(made);
    if (angle_of(left) < kSettledRad) {
      break;
    }
    told = viewer * left * viewer * told;
    matrix = decoder_.decode(in_image, told, points_m, found.coefficients.data());
  }
  found.face = reader_.placed(matrix, in_image, fit_error);
  return found;
}

}  // namespace face_recon
