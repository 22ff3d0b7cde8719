// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "depth_alignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "depth_points.hpp"
#include "normal_equations.hpp"
#include "small_algebra.hpp"

namespace face_recon
{
namespace
{

// Depths of skin of one face lie within so much of the predicted ones, once the distance is right.
constexpr double kReach = 0.035;
// The face may be nearer or further than one image says by these factors.
constexpr double kLeastRatio = 0.4;
constexpr double kMostRatio = 2.5;
// How well the model's relief is that of a person, root mean square, and how many independent
// measurements of it a face is at most: errors of neighbouring points are alike.
constexpr double kReliefSigma = 0.002;
constexpr double kIndependentCount = 12.0;
// The same for what the modes of people's reliefs leave of a person's, and for points that are not
// looked up where they are; those errors are not alike.
constexpr double kUnmodelledSigma = 0.003;
// Prior of the apparent size (relative): a fitted face is too wide or too narrow for seconds, so
// that the relief weighs more than one image's error of 3 % would give it.
constexpr double kApparentSizeSigma = 0.1;
// With that prior sizes are less doubtful than the least squares say, by this factor, measured
// on rendered heads of known size (model_building/evaluation/depth.py).
constexpr double kSizeDoubt = 0.4;
// Prior of how far the depth image may be shifted sideways against the colour image (px): bad
// registration, or a head that moved in between.
constexpr double kShiftSigmaPx = 3.0;
// Prior of the head's size relative to the one assumed: children, and a guessed focal length.
constexpr double kHeadSigma = 0.3;
constexpr int kRounds = 4;
// Less is no measurement of a face.
constexpr std::size_t kLeastCount = 40;
constexpr double kLeastValid = 0.12;
constexpr double kLeastInliers = 0.5;
constexpr double kMostResidual = 0.007;
// A rotation that leaves its prior by so many sigmas of their difference is that of something
// else: a wall, a hand, a head that has turned since.
constexpr double kMostSigmas = 3.0;
// So is one that leaves it by so much (rad), however unsure the colour image is.
constexpr double kMostTurn = 0.26;
// So is one of a depth image that lies further beside: about a third of a shift is found as one,
// and the rest goes into the rotation.
constexpr double kMostShiftPx = 3.5;
// What makes a rotation known: a factor of its information.
constexpr double kKnown = 1e8;

constexpr std::size_t kUnknowns = 7;
// Those before the size: rotation, shift and distance.
constexpr std::size_t kPlace = 6;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

using State = std::array<double, kUnknowns>;
using Information = Square<kUnknowns>;
// An equation: derivatives by the unknowns, and the distance.
using Row = std::array<double, kUnknowns + 1>;
static_assert((kUnknowns + 1) % kProductTile == 0, "add_products() wants it");

// A point of the skin whose depth was measured.
struct Point
{
  Vector3 arm{};                    // from the points' middle, model axes
  Vector3 normal{};                 // model axes
  Vector3 measured{};               // optical frame
  const float * moves_m = nullptr;  // along the normal, by each mode of the relief
  double offset_m = 0.0;            // along the normal, out of people's mean relief
  double predicted_m = 0.0;
  double noise_m = 0.0;
  double variance = 0.0;
};

// Return measured over predicted distance of the nearest large group of points; NaN: none.
//
// Each point votes; a face's points agree to within its relief, where a wall or a hand agree among
// themselves elsewhere.
double common_ratio(const std::vector<Point> & points)
{
  std::vector<double> votes, measured, predicted;
  for (const Point & point : points) {
    const double ratio = point.measured[2] / point.predicted_m;
    if (ratio > kLeastRatio && ratio < kMostRatio) {
      votes.push_back(ratio);
    }
    measured.push_back(point.measured[2]);
    predicted.push_back(point.predicted_m);
  }
  if (votes.size() < kLeastCount) {
    return kNone;
  }
  std::sort(votes.begin(), votes.end());
  const double reach = std::max(kReach, 2 * depth_noise(median(measured))) / median(predicted);
  std::vector<std::size_t> first(votes.size()), count(votes.size());
  std::size_t low = 0, high = 0, most = 0;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    while (votes[low] < votes[i] - reach * votes[i]) {
      ++low;
    }
    while (high < votes.size() && votes[high] <= votes[i] + reach * votes[i]) {
      ++high;
    }
    first[i] = low;
    count[i] = high - low;
    most = std::max(most, count[i]);
  }
  std::size_t best = 0;
  while (static_cast<double>(count[best]) < 0.8 * static_cast<double>(most)) {
    ++best;
  }
  if (static_cast<double>(count[best]) < kLeastInliers * static_cast<double>(points.size())) {
    return kNone;
  }
  const double furthest = votes[best] * (1 + reach);
  for (std::size_t i = best + 1; i < votes.size() && votes[i] <= furthest; ++i) {
    best = count[i] > count[best] ? i : best;
  }
  const auto begin = votes.begin() + static_cast<std::ptrdiff_t>(first[best]);
  std::vector<double> group(begin, begin + static_cast<std::ptrdiff_t>(count[best]));
  return median(group);
}

// One face's least squares.
//
// Unknowns: rotation (3) rad about the optical axes through the middle of the points, shift (2) m
// of the measured surface across the ray, logarithms of distance and of head size, both relative
// to one image's.
class Problem
{
public:
  Problem(
    const SeenFace & face, std::vector<Point> points, const Vector3 & middle,
    const std::array<Vector3, 3> & rotation_information)
  : points_(std::move(points)),
    modes_(face.modes),
    noise_factor_(face.noise_factor),
    middle_(middle),
    rotation0_(face.rotation),
    scale0_(face.head_scale),
    rotation_information_(rotation_information),
    shift_sigma_(kShiftSigmaPx / face.focal_length_px),
    residuals_(points_.size()),
    weights_(points_.size()),
    rows_(points_.size()),
    weighted_(points_.size())
  {
    Vector3 centre = rotation0_ * middle_;
    for (std::size_t i = 0; i < 3; ++i) {
      centre[i] = face.translation_m[i] + scale0_ * centre[i];
    }
    distance0_ = norm(centre);
    for (std::size_t i = 0; i < 3; ++i) {
      ray_[i] = centre[i] / distance0_;
    }
    // the shortest rotation of the z axis to the ray; centres lie before the camera
    const double x = ray_[0], y = ray_[1], z = ray_[2];
    across_[0] = {1 - x * x / (1 + z), -x * y / (1 + z), -x};
    across_[1] = {-x * y / (1 + z), 1 - y * y / (1 + z), -y};
  }

  Alignment solve(double ratio)
  {
    Alignment found = steps(ratio);
    if (!found.turned) {
      if (found.outcome == Outcome::kAligned) {
        add_relief(found);
      }
      return found;
    }
    const std::array<Vector3, 3> of_image = rotation_information_;
    for (Vector3 & row : rotation_information_) {
      for (double & value : row) {
        value *= kKnown;
      }
    }
    found = steps(ratio);
    found.turned = true;
    std::array<Vector3, 3> factor = of_image;
    factorise(factor);
    const std::array<Vector3, 3> covariance = inverse(factor);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        found.covariance[6 * (i + 3) + j + 3] = covariance[i][j];
      }
    }
    return found;
  }

private:
  Alignment steps(double ratio)
  {
    State state{};
    state[5] = state[6] = std::log(ratio);
    for (int round = 0; round < kRounds; ++round) {
      linearise(state);
      State gradient{};
      Information information = normal_equations(state, gradient);
      if (!factorise(information)) {
        return Alignment{};
      }
      const State step = solved(information, gradient);
      for (std::size_t i = 0; i < kUnknowns; ++i) {
        state[i] -= step[i];
      }
      const bool finite =
        std::all_of(state.begin(), state.end(), [](double v) { return std::isfinite(v); });
      if (!finite || !(std::fabs(state[5]) < std::log(2 * kMostRatio))) {
        return Alignment{};
      }
    }
    linearise(state);
    state_ = state;
    return judged(state);
  }

  // Normal equations of size and relief: those of the whole least squares, place eliminated. A
  // sensor that is better than depth_noise says so by how little the points scatter.
  void add_relief(Alignment & found) const
  {
    const double scatter = spread();
    NormalEquations equations(kUnknowns + modes_);
    for (std::size_t n = 0; n < points_.size(); ++n) {
      const Point & point = points_[n];
      double * const row = equations.next();
      std::copy_n(rows_[n].begin(), kUnknowns, row);
      for (std::size_t k = 0; k < modes_; ++k) {
        row[kUnknowns + k] = found.head_scale * point.moves_m[k];
      }
      row[kUnknowns + modes_] = found.head_scale * point.offset_m - residuals_[n];
      const double noise_m = std::min(point.noise_m, scatter);
      const double noise = noise_factor_ * noise_m * noise_m;
      equations.add(weights_[n] / (noise + kUnmodelledSigma * kUnmodelledSigma));
    }
    equations.flush();
    const Information known = prior(std::exp(state_[5]));
    for (std::size_t i = 0; i + 1 < kPlace; ++i) {
      for (std::size_t j = 0; j + 1 < kPlace; ++j) {
        equations.vector(i) -= known[i][j] * state_[j];
        if (j <= i) {
          equations.information(i, j) += known[i][j];
        }
      }
    }
    if (equations.eliminate(kPlace)) {
      keep_last(kPlace, equations, found);
    }
  }

  // The symmetric equations of the unknowns after the first, of their lower half.
  static void keep_last(std::size_t first, NormalEquations & equations, Alignment & found)
  {
    const std::size_t kept = equations.unknowns() - first;
    found.relief_vector.resize(kept);
    found.relief_information.resize(kept * kept);
    for (std::size_t i = 0; i < kept; ++i) {
      found.relief_vector[i] = equations.vector(first + i);
      for (std::size_t j = 0; j <= i; ++j) {
        const double value = equations.information(first + i, first + j);
        found.relief_information[i * kept + j] = value;
        found.relief_information[j * kept + i] = value;
      }
    }
  }

  Vector3 centre_at(const State & state) const
  {
    const double distance = distance0_ * std::exp(state[5]);
    return {ray_[0] * distance, ray_[1] * distance, ray_[2] * distance};
  }

  Matrix3 rotation_at(const State & state) const
  {
    return rotation_of({state[0], state[1], state[2]}) * rotation0_;
  }

  // Distances from the measured surface, their derivatives and weights.
  void linearise(const State & state)
  {
    const Matrix3 rotation = rotation_at(state);
    const double scale = scale0_ * std::exp(state[6]);
    const Vector3 centre = centre_at(state);
    for (std::size_t n = 0; n < points_.size(); ++n) {
      const Point & point = points_[n];
      Vector3 arm = rotation * point.arm;
      const Vector3 normal = rotation * point.normal;
      Vector3 lever{}, off{};
      for (std::size_t i = 0; i < 3; ++i) {
        arm[i] *= scale;
        off[i] = arm[i] + centre[i] + across_[0][i] * state[3] + across_[1][i] * state[4] -
                 point.measured[i];
        lever[i] = arm[i] - off[i];
      }
      residuals_[n] = dot(normal, off);
      // the plane's normal turns with the face: d(n . off) = (w x n) . off + n . (w x arm)
      rows_[n] = {
        lever[1] * normal[2] - lever[2] * normal[1],
        lever[2] * normal[0] - lever[0] * normal[2],
        lever[0] * normal[1] - lever[1] * normal[0],
        dot(normal, across_[0]),
        dot(normal, across_[1]),
        dot(normal, centre),
        dot(normal, arm),
        residuals_[n]};
    }
    weigh();
  }

  // Robust standard deviation of the distances.
  double spread() const
  {
    std::vector<double> sizes(residuals_.size());
    std::transform(
      residuals_.begin(), residuals_.end(), sizes.begin(), [](double r) { return std::fabs(r); });
    return 1.4826 * median(sizes);
  }

  // Tukey's biweight of the distances; their own spread widens it, to a limit.
  void weigh()
  {
    const double widened = std::min(spread(), kReach / 4);
    for (std::size_t n = 0; n < points_.size(); ++n) {
      const double limit = 4.0 * std::max(std::sqrt(points_[n].variance), widened);
      const double part = std::min(residuals_[n] * residuals_[n] / (limit * limit), 1.0);
      weights_[n] = (1 - part) * (1 - part);
    }
  }

  // The information of what is known without depth.
  Information prior(double distance_ratio) const
  {
    Information information{};
    for (std::size_t i = 0; i < 3; ++i) {
      std::copy_n(rotation_information_[i].begin(), 3, information[i].begin());
    }
    const double shift_sigma_m = shift_sigma_ * distance0_ * distance_ratio;
    information[3][3] = information[4][4] = 1 / (shift_sigma_m * shift_sigma_m);
    // distance / size is what the image shows
    const double apparent = 1 / (kApparentSizeSigma * kApparentSizeSigma);
    information[5][5] = apparent;
    information[5][6] = information[6][5] = -apparent;
    information[6][6] = apparent + 1 / (kHeadSigma * kHeadSigma);
    return information;
  }

  Information normal_equations(const State & state, State & gradient)
  {
    double sum = 0.0;
    for (const double weight : weights_) {
      sum += weight;
    }
    // so many points measure no more than kIndependentCount independent ones
    const double share = std::min(1.0, kIndependentCount / std::max(sum, 1.0));
    for (std::size_t n = 0; n < points_.size(); ++n) {
      const double weight = share * weights_[n] / points_[n].variance;
      for (std::size_t i = 0; i < weighted_[n].size(); ++i) {
        weighted_[n][i] = weight * rows_[n][i];
      }
    }
    constexpr std::size_t kRow = kUnknowns + 1;
    std::array<double, kRow * kRow> sums{};
    add_products(rows_.front().data(), weighted_.front().data(), rows_.size(), kRow, sums.data());
    Information information{};
    gradient = {};
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      gradient[i] = sums[kUnknowns * kRow + i];
      std::copy_n(sums.begin() + kRow * i, i + 1, information[i].begin());
    }
    const Information known = prior(std::exp(state[5]));
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      for (std::size_t j = 0; j < kUnknowns; ++j) {
        gradient[i] += known[i][j] * state[j];
        if (j <= i) {
          information[i][j] += known[i][j];
        }
      }
    }
    return information;
  }

  // The result, or why it is none.
  Alignment judged(const State & state)
  {
    Alignment found;
    std::size_t inliers = 0;
    double squares = 0.0, sum = 0.0;
    std::vector<double> depths(points_.size());
    for (std::size_t n = 0; n < points_.size(); ++n) {
      inliers += weights_[n] > 0 ? 1 : 0;
      const double weight = std::max(weights_[n], 1e-9);
      squares += weight * residuals_[n] * residuals_[n];
      sum += weight;
      depths[n] = points_[n].measured[2];
    }
    found.inliers = static_cast<double>(inliers) / static_cast<double>(points_.size());
    found.residual_m = std::sqrt(squares / sum);
    if (found.inliers < kLeastInliers) {
      found.outcome = Outcome::kFewInliers;
      found.value = found.inliers;
      return found;
    }
    if (found.residual_m > kMostResidual + depth_noise(median(depths))) {
      found.outcome = Outcome::kFarOff;
      found.value = found.residual_m;
      return found;
    }
    State gradient{};
    Information information = normal_equations(state, gradient);
    if (factorise(information)) {
      const Information covariance = inverse(information);
      fill(state, covariance, found);
      found.turned = is_turned(state, covariance);
    }
    return found;
  }

  // Tell whether the depth lies far beside the image, or the rotation found and the colour image's
  // are far apart or contradict each other: their difference has the covariance of the prior less
  // that of the result.
  bool is_turned(const State & state, const Information & covariance) const
  {
    const double pixel_m = shift_sigma_ / kShiftSigmaPx * distance0_ * std::exp(state[5]);
    if (std::hypot(state[3], state[4]) > kMostShiftPx * pixel_m) {
      return true;
    }
    const Vector3 turn{state[0], state[1], state[2]};
    if (dot(turn, turn) > kMostTurn * kMostTurn) {
      return true;
    }
    std::array<Vector3, 3> apart = rotation_information_;
    if (!factorise(apart)) {
      return false;
    }
    apart = inverse(apart);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        apart[i][j] -= covariance[i][j];
      }
    }
    if (!factorise(apart)) {
      return false;
    }
    apart = inverse(apart);
    double distance = 0.0;
    for (std::size_t i = 0; i < 3; ++i) {
      distance += turn[i] * dot(apart[i], turn);
    }
    return distance > kMostSigmas * kMostSigmas;
  }

  void fill(const State & state, const Information & covariance, Alignment & found) const
  {
    found.outcome = Outcome::kAligned;
    found.rotation = rotation_at(state);
    found.head_scale = scale0_ * std::exp(state[6]);
    found.scale_sigma = kSizeDoubt * std::sqrt(covariance[6][6]);
    found.apparent_scale = scale0_ * std::exp(state[5]);
    found.centre_m = centre_at(state);
    found.shift_m = {state[3], state[4]};
    Vector3 arm = found.rotation * middle_;
    for (std::size_t i = 0; i < 3; ++i) {
      arm[i] *= found.head_scale;
      found.translation_m[i] = found.centre_m[i] - arm[i];
    }
    // the origin itself is relief: how deep this person's sellion lies is the model's guess
    const double along =
      covariance[5][5] * dot(found.centre_m, found.centre_m) + kReliefSigma * kReliefSigma;
    const Matrix3 lever = cross_matrix(arm);
    Matrix3 turned{};
    for (std::size_t i = 0; i < 3; ++i) {
      std::copy_n(covariance[i].begin(), 3, turned.begin() + static_cast<std::ptrdiff_t>(3 * i));
    }
    const Matrix3 mixed = lever * turned;
    const Matrix3 moved = mixed * transposed(lever);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        // position across the ray stays the colour image's
        found.covariance[6 * i + j] = along * ray_[i] * ray_[j] + moved[3 * i + j];
        found.covariance[6 * i + j + 3] = mixed[3 * i + j];
        found.covariance[6 * (j + 3) + i] = mixed[3 * i + j];
        found.covariance[6 * (i + 3) + j + 3] = turned[3 * i + j];
      }
    }
  }

  std::vector<Point> points_;
  std::size_t modes_;
  double noise_factor_;
  Vector3 middle_;
  Matrix3 rotation0_;
  double scale0_;
  std::array<Vector3, 3> rotation_information_;
  double shift_sigma_;
  double distance0_ = 0.0;
  Vector3 ray_{};
  std::array<Vector3, 2> across_{};
  std::vector<double> residuals_;
  std::vector<double> weights_;
  std::vector<Row> rows_;
  std::vector<Row> weighted_;
  State state_{};
};

Alignment refused(Outcome outcome, double value)
{
  Alignment found;
  found.outcome = outcome;
  found.value = value;
  return found;
}

}  // namespace

Alignment align(const SeenFace & face, const DepthView & depth)
{
  std::array<Vector3, 3> covariance{};
  for (std::size_t i = 0; i < 3; ++i) {
    covariance[i] = row_of(face.rotation_covariance.data(), i);
  }
  if (!factorise(covariance)) {
    return Alignment{};
  }
  std::vector<Point> points;
  points.reserve(face.count);
  Vector3 middle{};
  std::size_t seen = 0;
  for (std::size_t n = 0; n < face.count; ++n) {
    const Vector3 ray = row_of(face.rays, n);
    Point point;
    point.normal = row_of(face.normals, n);
    const double facing = -dot(face.rotation * point.normal, ray);
    if (!(facing > kLeastFacing * norm(ray))) {
      continue;
    }
    ++seen;
    point.arm = row_of(face.points_m, n);
    point.predicted_m = face.head_scale * (face.rotation * point.arm)[2] + face.translation_m[2];
    const double measured = depth_at(depth, face.pixels[2 * n], face.pixels[2 * n + 1]);
    if (!(measured > 0.0 && point.predicted_m > 0.0 && std::isfinite(point.predicted_m))) {
      continue;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      point.measured[i] = ray[i] * measured;
      middle[i] += point.arm[i];
    }
    point.noise_m = depth_noise(measured);
    point.variance = point.noise_m * point.noise_m + kReliefSigma * kReliefSigma;
    point.moves_m = face.moves_m + n * face.modes;
    point.offset_m = face.offsets_m[n];
    points.push_back(point);
  }
  if (seen < kLeastCount) {
    return refused(Outcome::kLooksAway, 0.0);
  }
  const double valid = static_cast<double>(points.size()) / static_cast<double>(seen);
  if (points.size() < kLeastCount || valid < kLeastValid) {
    return refused(Outcome::kFewValid, valid);
  }
  const double ratio = common_ratio(points);
  if (!(ratio > 0.0)) {
    return refused(Outcome::kOtherDepth, 0.0);
  }
  for (double & value : middle) {
    value /= static_cast<double>(points.size());
  }
  for (Point & point : points) {
    for (std::size_t i = 0; i < 3; ++i) {
      point.arm[i] -= middle[i];
    }
  }
  Alignment found = Problem(face, std::move(points), middle, inverse(covariance)).solve(ratio);
  found.valid = valid;
  return found;
}

DoubtfulTurn without_prior(const DoubtfulTurn & found, const Matrix3 & prior)
{
  const Matrix3 information = inverse(found.covariance);
  Matrix3 own = information;
  const Matrix3 known = inverse(prior);
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] -= known[i];
  }
  const Matrix3 covariance = inverse(own);
  return {covariance * (information * found.turn), covariance};
}

SkinSize skin_size(
  const double * information, const double * vector, std::size_t count, double looks,
  double looks_sigma)
{
  // modes, size, and the value
  const std::size_t modes = count - 1, side = count + 1;
  const double of_looks = 1 / (looks_sigma * looks_sigma);
  std::vector<double> equations(side * side);
  for (std::size_t i = 0; i < modes; ++i) {
    const double * const row = information + (i + 1) * count;
    std::copy_n(row + 1, i + 1, &equations[i * side]);
    equations[i * side + i] += 1.0;
    equations[modes * side + i] = row[0];
    equations[count * side + i] = vector[i + 1];
  }
  equations[modes * side + modes] = information[0] + of_looks;
  equations[count * side + modes] = vector[0] + of_looks * looks;
  if (!eliminate(modes, side, side, equations.data())) {
    return {kNone, kNone};
  }
  const double of_size = equations[modes * side + modes];
  return {equations[count * side + modes] / of_size, 1 / of_size};
}

}  // namespace face_recon
