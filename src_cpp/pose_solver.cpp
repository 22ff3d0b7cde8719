// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "pose_solver.hpp"

#include <algorithm>
#include <cmath>

#include "model_points.hpp"

namespace face_recon
{

namespace
{

// As in pose.py and procrustes.py.
constexpr double kLeastCosine = 0.17;
constexpr double kLeastSpreadPx = 1e-6;
constexpr double kLeastSpread = 1e-9;
constexpr double kRadian = 0.017453292519943295;

// What is left to the perspective of the relief that weak perspective has found: fitted shapes and
// expressions hold some of what perspective and an error of the rotation look like.
constexpr double kReliefShare = 0.5;
// How far landmarks are off (m, on a head of the model's size), how many independent measurements
// a face's landmarks are, and how far the rotation in weak perspective is off.
constexpr double kLandmarkSigmaM = 0.004;
constexpr double kIndependentCount = 30;
constexpr double kRotationSigmaRad = 0.03;
constexpr int kRounds = 3;
// The network's landmarks show heads raised by so much more than its rotation has them, in the
// mean of the development heads.
constexpr double kRaisedDeg = 1.2;
// Steps that turn the head further than this, or bring it nearer to the lens than this part of its
// distance, have gone astray.
constexpr double kMostTurnRad = 0.5;
constexpr double kLeastDepthRatio = 0.2;

// The face frame (x out, y to the person's left, z up) in model axes is a change of columns.
Matrix3 face_columns(const Matrix3 & of_model)
{
  const Matrix3 & m = of_model;
  return {m[2], m[0], m[1], m[5], m[3], m[4], m[8], m[6], m[7]};
}

Vector3 mean_of(const std::vector<Vector3> & points)
{
  Vector3 sum{};
  for (const Vector3 & point : points) {
    sum = sum + point;
  }
  return (1 / static_cast<double>(points.size())) * sum;
}

// Root of the sum of squared distances from the mean, of the first axes.
double spread_of(const std::vector<Vector3> & points, std::size_t axes)
{
  const Vector3 mean = mean_of(points);
  double sum = 0;
  for (const Vector3 & point : points) {
    for (std::size_t axis = 0; axis < axes; ++axis) {
      sum += (point[axis] - mean[axis]) * (point[axis] - mean[axis]);
    }
  }
  return std::sqrt(sum);
}

struct Similarity
{
  double scale = 0;
  Matrix3 rotation{};
};

// target ~ scale * rotation * source + translation, least squares; false where no rotation
// follows. The rotation is Horn's quaternion (1987), which is Umeyama's (1991) rotation.
bool similarity(
  const std::vector<Vector3> & source, const std::vector<Vector3> & target, Similarity & found)
{
  const Vector3 middle = mean_of(source);
  Matrix3 s{};
  double source_square = 0;
  double target_square = 0;
  for (std::size_t n = 0; n < source.size(); ++n) {
    const Vector3 from = source[n] - middle;
    source_square += dot(from, from);
    target_square += dot(target[n], target[n]);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        s[3 * i + j] += from[i] * target[n][j];
      }
    }
  }
  const Eigen4 eigen = eigen_of({{
    {s[0] + s[4] + s[8], s[5] - s[7], s[6] - s[2], s[1] - s[3]},
    {s[5] - s[7], s[0] - s[4] - s[8], s[1] + s[3], s[6] + s[2]},
    {s[6] - s[2], s[1] + s[3], s[4] - s[0] - s[8], s[5] + s[7]},
    {s[1] - s[3], s[6] + s[2], s[5] + s[7], s[8] - s[0] - s[4]},
  }});
  // the second singular value of the covariance
  const double second = 0.5 * (eigen.values[0] + eigen.values[2]);
  if (!(second > kLeastSpread * std::sqrt(target_square) * std::sqrt(source_square))) {
    return false;
  }
  const double w = eigen.vectors[0][0];
  const double x = eigen.vectors[0][1];
  const double y = eigen.vectors[0][2];
  const double z = eigen.vectors[0][3];
  found.rotation = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                    2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                    2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  found.scale = eigen.values[0] / source_square;
  return true;
}

bool are_finite(const std::vector<Vector3> & points)
{
  return std::all_of(points.begin(), points.end(), [](const Vector3 & p) {
    return std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
  });
}

// The derivative (6) of position and rotation by true / assumed focal length; see
// confidence._per_focal_ratio.
std::array<double, 6> per_focal_ratio(const Vector3 & seen_m)
{
  const double turn = seen_m[2] / dot(seen_m, seen_m);
  return {0, 0, seen_m[2], turn * seen_m[1], -turn * seen_m[0], 0};
}

// As confidence.pose_covariance.
std::array<double, 36> covariance_of(
  const Matrix3 & rotation, const Vector3 & seen_m, const PoseQuestion & question,
  const RotationCalibration & calibration, const PoseNoise & noise)
{
  const Matrix3 turn = rotation_to(seen_m);
  const Matrix3 relative = transposed(turn) * rotation;
  // rotations.azimuth_seen_rad, of the face's axes
  const Vector3 sigma =
    calibration.sigma_rad(std::atan2(relative[7], -relative[6]), question.uncertainty);
  const double distance = norm(seen_m);
  const double across = noise.across_ratio * distance;
  const double along = question.head_sigma * distance;
  const auto turned = [](const Matrix3 & m, const Vector3 & variances) {
    return m * diagonal(variances) * transposed(m);
  };
  const Matrix3 place = turned(turn, {across * across, across * across, along * along});
  const Matrix3 angles =
    turned(rotation, {sigma[0] * sigma[0], sigma[1] * sigma[1], sigma[2] * sigma[2]});
  std::array<double, 36> covariance{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      covariance[6 * i + j] = place[3 * i + j];
      covariance[6 * (i + 3) + j + 3] = angles[3 * i + j];
    }
  }
  if (!question.calibrated) {
    const std::array<double, 6> moved = per_focal_ratio(seen_m);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = 0; j < 6; ++j) {
        covariance[6 * i + j] += noise.focal_ratio * noise.focal_ratio * moved[i] * moved[j];
      }
    }
  }
  return covariance;
}

}  // namespace

Vector3 RotationCalibration::sigma_rad(double azimuth_rad, double uncertainty) const
{
  const double azimuth = std::fabs(azimuth_rad) / kRadian;
  const double ratio =
    std::clamp(uncertainty / uncertainty_unit, least_uncertainty, most_uncertainty);
  const auto next = static_cast<std::size_t>(
    std::upper_bound(azimuth_deg.begin(), azimuth_deg.end(), azimuth) - azimuth_deg.begin());
  const std::size_t low = next == 0 ? 0 : next - 1;
  const std::size_t high = std::min(next, azimuth_deg.size() - 1);
  const double part =
    low == high ? 0 : (azimuth - azimuth_deg[low]) / (azimuth_deg[high] - azimuth_deg[low]);
  Vector3 sigma{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double from = sigma_deg[low][axis];
    const double degrees =
      (from + part * (sigma_deg[high][axis] - from)) * std::pow(ratio, exponents[axis]);
    sigma[axis] = kRadian * std::min(degrees, largest_deg[axis]);
  }
  return sigma;
}

Vector3 PinholeLens::direction(double x_px, double y_px) const
{
  const double y = (y_px - cy) / fy;
  const double x = (x_px - cx - skew * y) / fx;
  const double length = std::sqrt(x * x + y * y + 1);
  return {x / length, y / length, 1 / length};
}

// A face as its own viewing ray has it for z axis.
struct PoseSolver::Seen
{
  // Landmarks: model axes, metres; pixels; at depth 1 in the ray's frame. Origin: pixels.
  std::vector<Vector3> points_m;
  std::vector<Vector3> points_px;
  std::vector<Vector3> at_one;
  Vector3 origin_px{};

  // Fills at_one by the unit vectors in which pixels look; false where they look all around.
  template <typename Direction>
  bool turn_to_ray(const Matrix3 & optical_from_ray, const Direction & direction)
  {
    const Matrix3 ray_from_optical = transposed(optical_from_ray);
    at_one.reserve(points_px.size());
    for (const Vector3 & pixel : points_px) {
      const Vector3 turned = ray_from_optical * direction(pixel);
      if (!(turned[2] > kLeastCosine)) {
        return false;
      }
      at_one.push_back({turned[0] / turned[2], turned[1] / turned[2], 1});
    }
    return true;
  }
};

PoseSolver::PoseSolver(
  const double * mean, const double * basis, std::size_t landmarks, std::size_t coefficients,
  const PoseNoise & noise)
: mean_(vectors_of(mean, landmarks)),
  basis_(basis, basis + 3 * landmarks * coefficients),
  coefficients_(coefficients),
  noise_(noise)
{
}

std::vector<Vector3> PoseSolver::points_of(const double * coefficients) const
{
  return face_recon::points_of(mean_, basis_, coefficients, coefficients_);
}

void PoseSolver::project(
  const std::array<double, 12> & camera_matrix, const double * coefficients, double * out) const
{
  const auto & c = camera_matrix;
  for (const Vector3 & p : points_of(coefficients)) {
    for (std::size_t i = 0; i < 12; i += 4) {
      *out++ = c[i] * p[0] + c[i + 1] * p[1] + c[i + 2] * p[2] + c[i + 3];
    }
  }
}

void PoseSolver::see(
  const std::array<double, 12> & camera_matrix, const double * coefficients, Seen & seen) const
{
  const auto & c = camera_matrix;
  seen.points_m = points_of(coefficients);
  seen.points_px = seen.points_m;
  const Matrix3 linear = {c[0], c[1], c[2], c[4], c[5], c[6], c[8], c[9], c[10]};
  seen.origin_px = {c[3], c[7], c[11]};
  for (Vector3 & point : seen.points_px) {
    point = linear * point + seen.origin_px;
  }
}

bool PoseSolver::rotation_by(
  const Matrix3 & plane_from_px, bool calibrated, const std::array<double, 12> & camera_matrix,
  const double * coefficients, Matrix3 & optical_from_model) const
{
  Seen seen;
  see(camera_matrix, coefficients, seen);
  if (!are_finite(seen.points_px)) {
    return false;
  }
  const auto placed = [&](const Vector3 & pixel) {
    return plane_from_px * Vector3{pixel[0], pixel[1], 1};
  };
  // of what is before the camera the third number has one sign
  const double before = std::copysign(1.0, placed(seen.origin_px)[2]);
  const auto direction = [&](const Vector3 & pixel) {
    const Vector3 towards = before * placed(pixel);
    return (1 / norm(towards)) * towards;
  };
  const Matrix3 optical_from_ray = rotation_to(direction(seen.origin_px));
  Matrix3 ray_from_model{};
  Vector3 origin{};
  if (
    !seen.turn_to_ray(optical_from_ray, direction) ||
    lift(seen, ray_from_model, origin) != PoseFault::kNone) {
    return false;
  }
  if (calibrated) {
    refine(seen, ray_from_model, origin);
  }
  optical_from_model = optical_from_ray * ray_from_model;
  return true;
}

PoseFault PoseSolver::solve(
  const PoseQuestion & question, const RotationCalibration & calibration, FacePose & pose,
  double * landmarks_px, double * landmarks_m) const
{
  Seen seen;
  see(question.camera_matrix, question.coefficients, seen);
  for (const Vector3 & point : seen.points_px) {
    landmarks_px = std::copy(point.begin(), point.end(), landmarks_px);
  }
  if (!are_finite(seen.points_px)) {
    return PoseFault::kNotFinite;
  }
  const double * given = question.directions;
  const auto direction = [&](const Vector3 & pixel) {
    if (given == nullptr) {
      return question.lens.direction(pixel[0], pixel[1]);
    }
    const Vector3 unit = {given[0], given[1], given[2]};
    given += 3;
    return unit;
  };
  const Matrix3 optical_from_ray = rotation_to(direction(seen.origin_px));
  if (!seen.turn_to_ray(optical_from_ray, direction)) {
    return PoseFault::kAroundCamera;
  }
  Matrix3 ray_from_model{};
  Vector3 origin{};
  const PoseFault fault = lift(seen, ray_from_model, origin);
  if (fault != PoseFault::kNone) {
    return fault;
  }
  if (question.calibrated) {
    refine(seen, ray_from_model, origin);
  }
  const Vector3 seen_m = question.head_scale * (optical_from_ray * origin);
  const Matrix3 optical_from_model = optical_from_ray * ray_from_model;
  pose.rotation = face_columns(optical_from_model);
  pose.translation_m = seen_m + question.position_m;
  pose.covariance = covariance_of(pose.rotation, seen_m, question, calibration, noise_);
  for (const Vector3 & point : seen.points_m) {
    const Vector3 placed = question.head_scale * (optical_from_model * point) + pose.translation_m;
    landmarks_m = std::copy(placed.begin(), placed.end(), landmarks_m);
  }
  return PoseFault::kNone;
}

// The pose of a head of the model's size in the ray's frame, by weak perspective.
PoseFault PoseSolver::lift(const Seen & seen, Matrix3 & rotation, Vector3 & origin) const
{
  const double spread_px = spread_of(seen.points_px, 2);
  if (!(spread_px > kLeastSpreadPx)) {
    return PoseFault::kOnePlace;
  }
  const double unit = spread_of(seen.at_one, 2) / spread_px;
  std::vector<Vector3> target = seen.at_one;
  for (std::size_t n = 0; n < target.size(); ++n) {
    // towards the viewer is nearer
    target[n][2] = -(seen.points_px[n][2] - seen.origin_px[2]) * unit;
  }
  Similarity found;
  if (!similarity(seen.points_m, target, found)) {
    return PoseFault::kOneLine;
  }
  rotation = found.rotation;
  origin = (1 / found.scale) * mean_of(seen.at_one) - rotation * mean_of(seen.points_m);
  return PoseFault::kNone;
}

// Gauss-Newton for rotation and place in full perspective; they stay as they are where it goes
// astray.
void PoseSolver::refine(const Seen & seen, Matrix3 & rotation, Vector3 & origin) const
{
  const std::size_t count = seen.points_m.size();
  const Matrix3 first = rotation;
  Matrix3 turned_to = rotation;
  Vector3 place = origin;
  const double distance = norm(origin);
  const double weight = kIndependentCount / static_cast<double>(count) * distance * distance /
                        (kLandmarkSigmaM * kLandmarkSigmaM);
  const Matrix3 raised = rotation_of({-kRadian * kRaisedDeg, 0, 0});
  constexpr double kHold = 1 / (kRotationSigmaRad * kRotationSigmaRad);
  for (int round = 0; round < kRounds; ++round) {
    Square<6> normal{};
    std::array<double, 6> right{};
    const Matrix3 shown = turned_to * raised;
    for (std::size_t n = 0; n < count; ++n) {
      const Vector3 relief = seen.points_m[n] - mean_[n];
      const Vector3 arm = shown * (mean_[n] + kReliefShare * relief);
      const Vector3 point = arm + place;
      if (!(point[2] > kLeastDepthRatio * distance)) {
        return;
      }
      const double inverse = 1 / point[2];
      for (std::size_t axis = 0; axis < 2; ++axis) {
        const double found = point[axis] * inverse;
        const double off = seen.at_one[n][axis] - found;
        // how the projection moves with the point, with turns about x, y, z and with the place
        Vector3 by_point{};
        by_point[axis] = inverse;
        by_point[2] = -found * inverse;
        const std::array<double, 6> row = {
          arm[1] * by_point[2] - arm[2] * by_point[1],
          arm[2] * by_point[0] - arm[0] * by_point[2],
          arm[0] * by_point[1] - arm[1] * by_point[0],
          by_point[0],
          by_point[1],
          by_point[2]};
        for (std::size_t i = 0; i < 6; ++i) {
          right[i] += weight * off * row[i];
          for (std::size_t j = 0; j <= i; ++j) {
            normal[i][j] += weight * row[i] * row[j];
          }
        }
      }
    }
    const Vector3 turn = turn_of(turned_to * transposed(first));
    for (std::size_t i = 0; i < 3; ++i) {
      normal[i][i] += kHold;
      right[i] -= kHold * turn[i];
    }
    if (!factorise(normal)) {
      return;
    }
    const std::array<double, 6> change = solved(normal, right);
    const Vector3 step = {change[0], change[1], change[2]};
    if (!(norm(step) < kMostTurnRad)) {
      return;
    }
    turned_to = rotation_of(step) * turned_to;
    place = place + Vector3{change[3], change[4], change[5]};
  }
  rotation = turned_to;
  origin = place;
}

}  // namespace face_recon
