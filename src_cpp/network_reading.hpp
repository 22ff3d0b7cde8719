// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What a network says of a face in its crop, as it is in the image.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

namespace face_recon
{

// See regression.base.Regression and regression.region.Region.
struct FaceInImage
{
  // Row by row (3, 4).
  std::array<double, 12> camera_matrix{};
  double fit_error = 0;
  // x0, y0, x1, y1 around the landmarks.
  std::array<double, 4> box{};
  std::array<double, 2> centre{};
  double side_px = 0;
  double roll_rad = 0;
  double turned_rad = 0;
};

// How large a region of the image is around which point of the head; landmarks whose distance is
// the unit of the fit error.
struct ReadingSettings
{
  std::array<std::size_t, 2> canthi{};
  Vector3 crop_centre_m{};
  double crop_side_m = 0;
};

class NetworkReader
{
public:
  // mean (landmarks, 3), basis (landmarks, 3, coefficients), metres, model axes.
  NetworkReader(
    const double * mean, const double * basis, std::size_t landmarks, std::size_t coefficients,
    const ReadingSettings & settings);

  std::size_t landmark_count() const { return landmarks_; }
  std::size_t coefficient_count() const { return coefficients_; }

  // parameters: camera matrix (3, 4) in crop pixels and all coefficients; points: (landmarks, 3)
  // crop pixels, of which z is not read; image_from_crop (2, 3): a similarity.
  FaceInImage read(
    const double * parameters, const double * points,
    const std::array<double, 6> & image_from_crop) const;

  // Of landmarks in pixels (landmarks, 2), and the parameters there.
  FaceInImage placed(
    const std::array<double, 12> & camera_matrix,
    const std::vector<std::array<double, 2>> & points_px, double fit_error) const;

  // See face_model.Fit; points (landmarks, 3), of which z is not read, and the model's.
  double fit_error(
    const std::array<double, 12> & matrix, const std::vector<Vector3> & points_m,
    const double * points) const;

private:
  std::size_t landmarks_ = 0;
  std::size_t coefficients_ = 0;
  std::vector<Vector3> mean_;
  std::vector<double> basis_;
  ReadingSettings settings_;
};

}  // namespace face_recon
