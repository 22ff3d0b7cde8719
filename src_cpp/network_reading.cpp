// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "network_reading.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model_points.hpp"

namespace face_recon
{

namespace
{

double scale_of(const std::array<double, 12> & matrix)
{
  return norm({matrix[0], matrix[1], matrix[2]});
}

// Takes rows of a camera matrix in a crop, cut by a similarity, to the image.
std::array<double, 12> in_image(
  const std::array<double, 12> & c, const std::array<double, 6> & map)
{
  const double size = std::hypot(map[0], map[3]);
  std::array<double, 12> matrix{};
  for (std::size_t j = 0; j < 4; ++j) {
    matrix[j] = map[0] * c[j] + map[1] * c[4 + j];
    matrix[4 + j] = map[3] * c[j] + map[4] * c[4 + j];
    matrix[8 + j] = size * c[8 + j];
  }
  matrix[3] += map[2];
  matrix[7] += map[5];
  return matrix;
}

// x0, y0, x1, y1 of points; NaN where one is none.
std::array<double, 4> box_of(const std::vector<std::array<double, 2>> & points)
{
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::array<double, 4> box = {kInfinity, kInfinity, -kInfinity, -kInfinity};
  for (const auto & point : points) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      if (std::isnan(point[axis])) {
        box.fill(point[axis]);
        return box;
      }
      box[axis] = std::min(box[axis], point[axis]);
      box[2 + axis] = std::max(box[2 + axis], point[axis]);
    }
  }
  return box;
}

}  // namespace

NetworkReader::NetworkReader(
  const double * mean, const double * basis, std::size_t landmarks, std::size_t coefficients,
  const ReadingSettings & settings)
: landmarks_(landmarks),
  coefficients_(coefficients),
  mean_(vectors_of(mean, landmarks)),
  basis_(basis, basis + 3 * landmarks * coefficients),
  settings_(settings)
{
}

FaceInImage NetworkReader::read(
  const double * parameters, const double * points,
  const std::array<double, 6> & image_from_crop) const
{
  std::array<double, 12> crop{};
  std::copy_n(parameters, crop.size(), crop.begin());
  const auto & map = image_from_crop;
  std::vector<std::array<double, 2>> points_px(landmarks_);
  for (std::size_t n = 0; n < landmarks_; ++n) {
    const double x = points[3 * n];
    const double y = points[3 * n + 1];
    points_px[n] = {map[0] * x + map[1] * y + map[2], map[3] * x + map[4] * y + map[5]};
  }
  return placed(
    in_image(crop, map), points_px,
    fit_error(crop, points_of(mean_, basis_, parameters + crop.size(), coefficients_), points));
}

FaceInImage NetworkReader::placed(
  const std::array<double, 12> & camera_matrix,
  const std::vector<std::array<double, 2>> & points_px, double fit_error) const
{
  FaceInImage face;
  face.fit_error = fit_error;
  face.camera_matrix = camera_matrix;
  face.box = box_of(points_px);
  const auto & c = camera_matrix;
  const double scale = scale_of(c);
  const Vector3 & middle = settings_.crop_centre_m;
  for (std::size_t row = 0; row < 2; ++row) {
    face.centre[row] = c[4 * row] * middle[0] + c[4 * row + 1] * middle[1] +
                       c[4 * row + 2] * middle[2] + c[4 * row + 3];
  }
  face.side_px = settings_.crop_side_m * scale;
  // the head's axis in the image, where y is down, and rotations.azimuth_seen_rad
  face.roll_rad = std::atan2(c[1] / scale, -c[5] / scale);
  face.turned_rad = std::atan2(std::fabs(c[8] / scale), c[10] / scale);
  return face;
}

double NetworkReader::fit_error(
  const std::array<double, 12> & matrix, const std::vector<Vector3> & points_m,
  const double * points) const
{
  double sum = 0;
  for (std::size_t n = 0; n < landmarks_; ++n) {
    const Vector3 & point = points_m[n];
    std::array<double, 2> off{};
    for (std::size_t row = 0; row < 2; ++row) {
      off[row] = matrix[4 * row] * point[0] + matrix[4 * row + 1] * point[1] +
                 matrix[4 * row + 2] * point[2] + matrix[4 * row + 3] - points[3 * n + row];
    }
    sum += std::sqrt(off[0] * off[0] + off[1] * off[1]);
  }
  const auto [first, second] = settings_.canthi;
  const double unit = norm(points_m[first] - points_m[second]) * scale_of(matrix);
  return sum / static_cast<double>(landmarks_) / unit;
}

}  // namespace face_recon
