// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "depth_surface.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "depth_points.hpp"
#include "small_algebra.hpp"

namespace face_recon
{
namespace
{

// Of points that are further off than so many median distances, whether a surface is flat is not
// judged.
constexpr double kInlierSpreads = 6.0;
// It is where a plane leaves so much of the squared distances that the face leaves: of 45 rendered
// heads, turned to 50 degrees at 0.4 to 2.7 m, 0.6 and more; of walls there 0.5 and less but for 5.
constexpr double kFlatRatio = 0.55;
// What is nearer than the face by so much hides what is around: hands, others.
constexpr double kNearer = 0.1;
// A face stands out by so much at least: that of a head that lies on a pillow does by 0.08 m.
constexpr double kLeastOut = 0.05;
// Fewer places around the head that are measured say nothing, part of all.
constexpr double kLeastMeasured = 0.25;
// Of the mean information of a plane's unknowns.
constexpr double kRidge = 1e-12;

// Linear least squares of a few unknowns, equation by equation.
template <std::size_t N>
class LeastSquares
{
public:
  void add(const std::array<double, N> & row, double value)
  {
    for (std::size_t i = 0; i < N; ++i) {
      vector_[i] += row[i] * value;
      for (std::size_t j = 0; j <= i; ++j) {
        information_[i][j] += row[i] * row[j];
      }
    }
  }

  // Equations that leave an unknown open leave it small.
  std::optional<std::array<double, N>> solution() const
  {
    Square<N> factor = information_;
    double trace = 0.0;
    for (std::size_t i = 0; i < N; ++i) {
      trace += information_[i][i];
    }
    for (std::size_t i = 0; i < N; ++i) {
      factor[i][i] += kRidge * trace;
    }
    if (!factorise(factor)) {
      return std::nullopt;
    }
    return solved(factor, vector_);
  }

private:
  Square<N> information_{};
  std::array<double, N> vector_{};
};

// A point of a face, and how far the measured surface lies behind it, metres.
struct Off
{
  std::size_t index;
  double metres;
};

std::vector<Off> facing_offsets(const AlignedFace & face, const MeasuredPoints & measured)
{
  std::vector<Off> found;
  found.reserve(measured.count);
  for (std::size_t n = 0; n < measured.count; ++n) {
    const Vector3 ray = row_of(measured.rays, n);
    const double facing = -dot(face.rotation * row_of(face.normals, n), ray);
    const double predicted =
      face.distance_m + face.head_scale * (face.rotation * row_of(face.points_m, n))[2];
    const double off = measured.depth[n] - predicted;
    if (std::isfinite(off) && facing > kLeastFacing * norm(ray)) {
      found.push_back({n, off});
    }
  }
  return found;
}

// Leave out what is far from the middle; offsets are from it then.
void keep_near(std::vector<Off> & points)
{
  std::vector<double> values;
  values.reserve(points.size());
  std::transform(points.begin(), points.end(), std::back_inserter(values), [](const Off & off) {
    return off.metres;
  });
  const double middle = upper_median(values);
  for (std::size_t n = 0; n < points.size(); ++n) {
    points[n].metres -= middle;
    values[n] = std::fabs(points[n].metres);
  }
  const double limit = kInlierSpreads * upper_median(values);
  points.erase(
    std::remove_if(
      points.begin(), points.end(),
      [limit](const Off & off) { return !(std::fabs(off.metres) <= limit); }),
    points.end());
}

}  // namespace

bool is_flat(const AlignedFace & face, const MeasuredPoints & measured)
{
  std::vector<Off> points = facing_offsets(face, measured);
  if (points.empty()) {
    return false;
  }
  keep_near(points);
  LeastSquares<3> plane;
  for (const Off & point : points) {
    plane.add(row_of(measured.rays, point.index), 1 / measured.depth[point.index]);
  }
  const auto nearness = plane.solution();
  if (!nearness) {
    return false;
  }
  double of_face = 0.0, of_plane = 0.0;
  for (const Off & point : points) {
    const double from_plane =
      measured.depth[point.index] - 1 / dot(*nearness, row_of(measured.rays, point.index));
    of_face += point.metres * point.metres;
    of_plane += from_plane * from_plane;
  }
  return of_plane < kFlatRatio * of_face;
}

std::optional<bool> stands_out(
  const MeasuredPoints & face, const DepthView & depth, std::size_t around,
  const double * around_px, const double * around_rays)
{
  // the face is nearer than the plane by a step, the last unknown
  LeastSquares<4> found;
  std::vector<double> depths;
  depths.reserve(face.count);
  for (std::size_t n = 0; n < face.count; ++n) {
    const Vector3 ray = row_of(face.rays, n);
    if (std::isfinite(face.depth[n]) && std::isfinite(ray[0] + ray[1])) {
      found.add({ray[0], ray[1], ray[2], 1.0}, 1 / face.depth[n]);
      depths.push_back(face.depth[n]);
    }
  }
  if (depths.empty()) {
    return std::nullopt;
  }
  const double face_m = median(depths);
  std::size_t used = 0;
  for (std::size_t n = 0; n < around; ++n) {
    const double around_m = depth_at(depth, around_px[2 * n], around_px[2 * n + 1]);
    const Vector3 ray = row_of(around_rays, n);
    if (around_m > face_m - kNearer && std::isfinite(ray[0] + ray[1])) {
      found.add({ray[0], ray[1], ray[2], 0.0}, 1 / around_m);
      ++used;
    }
  }
  const auto plane = found.solution();
  if (static_cast<double>(used) < kLeastMeasured * static_cast<double>(around) || !plane) {
    return std::nullopt;
  }
  return (*plane)[3] * face_m * face_m > kLeastOut;
}

}  // namespace face_recon
