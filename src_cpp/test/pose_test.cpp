// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Tests and fuzzes pose solver, network reader and assignment without Python; run.sh builds it,
// with sanitizers too.
//
//   pose_test [rounds of fuzzing] [seed]
//
// Every round a random face - ordinary, huge, flat, NaN - is solved into arrays of exactly the
// right size: a pose with a proper rotation and finite numbers comes out, or a fault. Outputs of a
// network are read, and a cost matrix is assigned: no column twice.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../assignment.hpp"
#include "../landmark_decoder.hpp"
#include "../network_reading.hpp"
#include "../one_euro.hpp"
#include "../pose_solver.hpp"
#include "../straight_reading.hpp"
#include "fuzzing.hpp"

namespace
{

using face_recon::FacePose;
using face_recon::Matrix3;
using face_recon::PoseFault;
using face_recon::PoseQuestion;
using face_recon::PoseSolver;
using face_recon::Vector3;
using face_recon::operator*;
using face_recon::operator+;
using face_recon::operator-;
using face_recon_test::anything;
using face_recon_test::check;
using face_recon_test::distance_from_rotation;
using face_recon_test::finite;
using face_recon_test::Random;
using face_recon_test::Rounds;

constexpr std::size_t kCoefficients = 7;

const face_recon::RotationCalibration kCalibration = {
  0.1, 0.3, 4, {1, 0.5, 1}, {20, 20, 12}, {10, 50, 80}, {{{1, 2, 3}}, {{2, 4, 6}}, {{4, 4, 4}}}};

void fuzz(Random & random, const std::string & name)
{
  const std::size_t count = random.integer<std::size_t>(3, 80);
  std::vector<double> mean(3 * count);
  std::vector<double> basis(3 * count * kCoefficients);
  const bool flat = random.chance(0.1);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i] = flat && i % 3 != 0 ? 0 : random.real(-0.08, 0.08);
  }
  for (double & value : basis) {
    value = flat ? 0 : random.real(-0.002, 0.002);
  }
  const PoseSolver solver(mean.data(), basis.data(), count, kCoefficients, {0.004, 0.5});
  PoseQuestion question;
  std::vector<double> coefficients(kCoefficients);
  for (double & value : coefficients) {
    value = anything(random, -3, 3);
  }
  const Vector3 turn = {random.real(-1.0, 1.0), random.real(-1.0, 1.0), random.real(-1.0, 1.0)};
  const Matrix3 rotation = face_recon::rotation_of(turn);
  const double scale = random.chance(0.1) ? std::pow(10, random.real(-9.0, 9.0)) : 500;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const double sign = i == 1 ? -1 : 1;
      question.camera_matrix[4 * i + j] =
        anything(random, 1, 1) * sign * scale * rotation[3 * i + j];
    }
    question.camera_matrix[4 * i + 3] = anything(random, -300, 900);
  }
  question.coefficients = coefficients.data();
  question.lens = {
    random.real(50.0, 2000.0), random.real(50.0, 2000.0), 320, 240, random.real(-5.0, 5.0)};
  std::vector<double> directions(3 * (count + 1));
  if (random.chance(0.3)) {
    for (double & value : directions) {
      value = anything(random, -1, 1);
    }
    question.directions = directions.data();
  }
  question.calibrated = random.chance(0.7);
  question.head_scale = random.real(0.5, 1.5);
  question.head_sigma = 0.06;
  question.uncertainty = anything(random, 0, 1);
  FacePose pose;
  std::vector<double> pixels(3 * count);
  std::vector<double> points(3 * count);
  const PoseFault fault = solver.solve(question, kCalibration, pose, pixels.data(), points.data());
  if (fault != PoseFault::kNone || !std::isfinite(question.uncertainty)) {
    return;
  }
  check(distance_from_rotation(pose.rotation) < 1e-9, name + ": the rotation is one");
  check(finite(pose.translation_m) && finite(points), name + ": the pose is finite");
  check(finite(pose.covariance), name + ": the covariance is finite");
}

void fuzz_reader(Random & random, const std::string & name)
{
  const std::size_t count = random.integer<std::size_t>(3, 60);
  const auto numbers = [&](std::size_t size, double most) {
    std::vector<double> values(size);
    for (double & value : values) {
      value = anything(random, -most, most);
    }
    return values;
  };
  const std::vector<double> mean = numbers(3 * count, 0.1);
  const std::vector<double> basis = numbers(3 * count * kCoefficients, 0.002);
  const face_recon::NetworkReader reader(
    mean.data(), basis.data(), count, kCoefficients,
    {{0, random.integer<std::size_t>(0, count - 1)}, {0, -0.04, -0.04}, 0.24});
  const std::vector<double> parameters = numbers(12 + kCoefficients, 500);
  const std::vector<double> points = numbers(3 * count, 200);
  const face_recon::FaceInImage face =
    reader.read(parameters.data(), points.data(), {2, 0.1, 30, -0.1, 2, 50});
  const bool none = std::isnan(face.box[0]);
  check(none || face.box[0] <= face.box[2], name + ": the box has a size");
  check(none == std::isnan(face.box[3]), name + ": a box is one or none");
}

void fuzz_straight_reader(Random & random, const std::string & name)
{
  const std::size_t count = random.integer<std::size_t>(3, 40);
  const auto numbers = [&](std::size_t size, double most) {
    std::vector<double> values(size);
    for (double & value : values) {
      value = anything(random, -most, most);
    }
    return values;
  };
  const auto homography = [&](double most) {
    face_recon::Matrix3 map{};
    for (double & value : map) {
      value = anything(random, -most, most);
    }
    return map;
  };
  const std::vector<double> mean = numbers(3 * count, 0.1);
  const std::vector<double> basis = numbers(3 * count * kCoefficients, 0.002);
  const std::vector<double> solve = numbers(3 * count * kCoefficients, 100);
  const face_recon::StraightReader reader(
    face_recon::NetworkReader(
      mean.data(), basis.data(), count, kCoefficients, {{0, count - 1}, {0, -0.04, -0.04}, 0.24}),
    face_recon::LandmarkDecoder(
      mean.data(), basis.data(), solve.data(), count, kCoefficients,
      {{{0, 1}, {count - 1, 2}}, 0.09, 0.02, 0.05}),
    face_recon::PoseSolver(mean.data(), basis.data(), count, kCoefficients, {}));
  const std::vector<double> parameters = numbers(12 + kCoefficients, 500);
  const std::vector<double> points = numbers(3 * count, 200);
  const face_recon::StraightFace found = reader.read(
    parameters.data(), points.data(), {homography(2), homography(0.1), random.chance(0.5)});
  check(found.coefficients.size() == kCoefficients, name + ": every coefficient is told");
  const bool none = std::isnan(found.face.box[0]);
  check(none || found.face.box[0] <= found.face.box[2], name + ": the box has a size");
}

void fuzz_assignment(Random & random, const std::string & name)
{
  const std::size_t rows = random.integer<std::size_t>(0, 9);
  const std::size_t columns = random.integer<std::size_t>(0, 9);
  std::vector<double> cost(rows * columns);
  const double size = random.chance(0.5) ? 1e6 : 2;
  for (double & value : cost) {
    value = random.chance(0.3) ? std::floor(random.real(0.0, 3.0)) : random.real(-size, size);
  }
  const std::vector<std::size_t> column_of = face_recon::assign(cost.data(), rows, columns);
  check(column_of.size() == rows, name + ": every row has an answer");
  std::vector<bool> taken(columns, false);
  std::size_t pairs = 0;
  for (const std::size_t column : column_of) {
    if (column == face_recon::kNoColumn) {
      continue;
    }
    check(column < columns && !taken[column], name + ": no column is assigned twice");
    taken[column] = true;
    ++pairs;
  }
  check(pairs == std::min(rows, columns), name + ": as many pairs as there can be");
}

// A head of known pose in full perspective; its landmarks' rotation is off by 5 degrees.
// A head that jumps anywhere, half a turn at once too: what comes out is a rotation times a scale.
void fuzz_face_filter(Random & random, const std::string & name)
{
  const face_recon::OneEuroSettings one = {random.real(0.1, 2.0), random.real(0.0, 100.0), 1.0};
  face_recon::FaceFilter filter({one, one, one, one, one, {1.0, 0.3, 4, 10, 0.3}});
  const bool half_turns = random.chance(0.2);
  for (int image = 0; image < 12; ++image) {
    const Vector3 turn =
      half_turns ? Vector3{image % 2 != 0 ? 3.14159265358979323846 : 0.0, 0, 0}
                 : Vector3{random.real(-3.0, 3.0), random.real(-3.0, 3.0), random.real(-3.0, 3.0)};
    const Matrix3 rotation = face_recon::rotation_of(turn);
    const double scale = random.real(100.0, 2000.0);
    std::array<double, 12> matrix{};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        matrix[4 * i + j] = (i == 1 ? -scale : scale) * rotation[3 * i + j];
      }
      matrix[4 * i + 3] = random.real(-100.0, 2000.0);
    }
    std::array<double, 5> shape{};
    std::array<double, 2> expression{};
    if (random.chance(0.1)) {
      filter.resume();
    }
    const double sigma_rad = random.chance(0.5) ? random.real(0.01, 0.2) : 0.0;
    filter.take(
      matrix, shape.data(), shape.size(), expression.data(), expression.size(),
      random.real(0.001, 0.5), sigma_rad);
    const Vector3 x = {matrix[0], matrix[1], matrix[2]};
    const Vector3 y = {matrix[4], matrix[5], matrix[6]};
    const double size = face_recon::norm(x);
    check(size > 99 && size < 2001, name + ": a smoothed size lies between those seen");
    check(
      std::fabs(face_recon::norm(y) / size - 1) < 1e-9 &&
        std::fabs(face_recon::dot(x, y)) < 1e-9 * size * size,
      name + ": a smoothed rotation is one");
  }
}

void finds_a_known_head(Random & random)
{
  constexpr std::size_t kCount = 68;
  std::vector<double> mean(3 * kCount);
  for (double & value : mean) {
    value = random.real(-0.07, 0.07);
  }
  const PoseSolver solver(mean.data(), nullptr, kCount, 0, {0.004, 0.5});
  const Matrix3 upright = face_recon::diagonal({1, -1, -1});
  const Matrix3 truth = upright * face_recon::rotation_of({0.1, -0.2, 0.05});
  const Vector3 place = {0.02, -0.03, 0.4};
  PoseQuestion question;
  question.lens = {600, 600, 320, 240, 0};
  const double scale = 600 / place[2];
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      question.camera_matrix[4 * i + j] = (i == 2 ? -scale : scale) * truth[3 * i + j];
    }
  }
  question.camera_matrix[3] = 320 + scale * place[0];
  question.camera_matrix[7] = 240 + scale * place[1];
  std::vector<double> directions = {place[0], place[1], place[2]};
  for (std::size_t n = 0; n < kCount; ++n) {
    const Vector3 point = truth * Vector3{mean[3 * n], mean[3 * n + 1], mean[3 * n + 2]} + place;
    directions.insert(directions.end(), point.begin(), point.end());
  }
  for (std::size_t n = 0; n < directions.size(); n += 3) {
    const double length = std::hypot(directions[n], directions[n + 1], directions[n + 2]);
    for (std::size_t i = 0; i < 3; ++i) {
      directions[n + i] /= length;
    }
  }
  question.directions = directions.data();
  std::array<double, 2> errors{};
  for (const bool calibrated : {false, true}) {
    question.calibrated = calibrated;
    FacePose pose;
    std::vector<double> pixels(3 * kCount);
    std::vector<double> points(3 * kCount);
    const PoseFault fault =
      solver.solve(question, kCalibration, pose, pixels.data(), points.data());
    check(fault == PoseFault::kNone, "a head has a pose");
    errors[calibrated ? 1 : 0] = face_recon::norm(pose.translation_m - place);
  }
  check(errors[1] < 0.5 * errors[0], "perspective brings a near head nearer to the truth");
}

}  // namespace

int main(int count, char ** arguments)
{
  const Rounds rounds(count, arguments);
  Random first(rounds.seed);
  finds_a_known_head(first);
  return rounds.run([](Random & random, const std::string & name) {
    fuzz(random, name);
    fuzz_reader(random, name);
    fuzz_straight_reader(random, name);
    fuzz_assignment(random, name);
    fuzz_face_filter(random, name);
  });
}
