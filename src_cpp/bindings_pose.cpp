// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The pose solver as Python calls it: one call from the parameters to pose, covariance, landmarks.
// And the assignment of tracks.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "assignment.hpp"
#include "pose_solver.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::input_data;
using face_recon::kAnySize;
using face_recon::output_data;
using face_recon::Vector3;

namespace
{

// In the order of PoseFault; pose_solver.py raises them.
constexpr std::array<const char *, 5> kFaults = {
  "", "landmarks are not finite", "landmarks are all around the camera",
  "landmarks are in one place", "landmarks are in one place or on one line"};

// The pairs (row, column) of least cost in sum, as many as there can be.
std::vector<std::tuple<std::size_t, std::size_t>> assign(const py::object & cost)
{
  const py::array matrix = checked<double>(cost, "cost", {kAnySize, kAnySize});
  face_recon::require_finite<double>(matrix, "cost");
  const auto columns = face_recon::assign(
    input_data<double>(matrix), static_cast<std::size_t>(matrix.shape(0)),
    static_cast<std::size_t>(matrix.shape(1)));
  std::vector<std::tuple<std::size_t, std::size_t>> pairs;
  for (std::size_t row = 0; row < columns.size(); ++row) {
    if (columns[row] != face_recon::kNoColumn) {
      pairs.emplace_back(row, columns[row]);
    }
  }
  return pairs;
}

using Intrinsics = std::tuple<double, double, double, double, double>;

face_recon::RotationCalibration calibration_of(
  double uncertainty_unit, const std::array<double, 2> & uncertainty_range,
  const Vector3 & exponents, const Vector3 & largest_deg, std::vector<double> azimuth_deg,
  std::vector<Vector3> sigma_deg)
{
  const bool grow = std::is_sorted(
    azimuth_deg.begin(), azimuth_deg.end(), [](double a, double b) { return a <= b; });
  if (azimuth_deg.empty() || azimuth_deg.size() != sigma_deg.size() || !grow) {
    throw py::value_error("azimuth_deg: want one growing value for each row of sigma_deg");
  }
  if (!(uncertainty_unit > 0) || !(uncertainty_range[0] <= uncertainty_range[1])) {
    throw py::value_error(
      "uncertainty_unit, uncertainty_range: want a positive unit and a growing range");
  }
  return {uncertainty_unit, uncertainty_range[0],   uncertainty_range[1], exponents,
          largest_deg,      std::move(azimuth_deg), std::move(sigma_deg)};
}

class PyPoseSolver
{
public:
  PyPoseSolver(
    const py::object & mean, const py::object & basis, double across_ratio, double focal_ratio)
  : solver_(construct(mean, basis, {across_ratio, focal_ratio}))
  {
  }

  py::array_t<double> project(
    const py::object & camera_matrix, const py::object & shape,
    const py::object & expression) const
  {
    const auto matrix = camera(camera_matrix);
    const auto values = coefficients(shape, expression);
    py::array_t<double> pixels({landmarks(), py::ssize_t{3}});
    solver_.project(matrix, values.data(), pixels.mutable_data());
    return pixels;
  }

  // (fault, rotation, translation, covariance, landmarks px, landmarks m); a fault is text.
  py::tuple solve(
    const py::object & camera_matrix, const py::object & shape, const py::object & expression,
    const Intrinsics & intrinsics, const py::object & directions, const Vector3 & position_m,
    bool calibrated, double head_scale, double head_sigma, double uncertainty,
    const face_recon::RotationCalibration & calibration) const
  {
    face_recon::PoseQuestion question;
    question.camera_matrix = camera(camera_matrix);
    const auto values = coefficients(shape, expression);
    question.coefficients = values.data();
    const auto & [fx, fy, cx, cy, skew] = intrinsics;
    question.lens = {fx, fy, cx, cy, skew};
    py::array held_directions;
    if (!directions.is_none()) {
      held_directions = checked<double>(directions, "directions", {landmarks() + 1, 3});
      question.directions = input_data<double>(held_directions);
    }
    question.position_m = position_m;
    question.calibrated = calibrated;
    question.head_scale = head_scale;
    question.head_sigma = head_sigma;
    question.uncertainty = uncertainty;
    py::array_t<double> pixels({landmarks(), py::ssize_t{3}});
    py::array_t<double> points({landmarks(), py::ssize_t{3}});
    double * pixel_data = pixels.mutable_data();
    double * point_data = points.mutable_data();
    face_recon::FacePose pose;
    face_recon::PoseFault fault{};
    {
      const py::gil_scoped_release release;
      fault = solver_.solve(question, calibration, pose, pixel_data, point_data);
    }
    return py::make_tuple(
      kFaults[static_cast<std::size_t>(fault)], matrix_of(pose.rotation, 3),
      py::array_t<double>(3, pose.translation_m.data()), matrix_of(pose.covariance, 6), pixels,
      points);
  }

private:
  static face_recon::PoseSolver construct(
    const py::object & mean, const py::object & basis, const face_recon::PoseNoise & noise)
  {
    const py::array points = checked<double>(mean, "mean", {kAnySize, 3});
    const py::array moves = checked<double>(basis, "basis", {points.shape(0), 3, kAnySize});
    if (points.shape(0) < 3) {
      throw py::value_error("mean: want at least 3 landmarks");
    }
    return face_recon::PoseSolver(
      input_data<double>(points), input_data<double>(moves),
      static_cast<std::size_t>(points.shape(0)), static_cast<std::size_t>(moves.shape(2)), noise);
  }

  template <std::size_t N>
  static py::array_t<double> matrix_of(const std::array<double, N> & values, py::ssize_t side)
  {
    return py::array_t<double>({side, side}, values.data());
  }

  static std::array<double, 12> camera(const py::object & camera_matrix)
  {
    const py::array matrix = checked<double>(camera_matrix, "camera_matrix", {3, 4});
    std::array<double, 12> values{};
    std::copy_n(input_data<double>(matrix), values.size(), values.begin());
    return values;
  }

  std::vector<double> coefficients(const py::object & shape, const py::object & expression) const
  {
    const py::array first = checked<double>(shape, "shape", {kAnySize});
    const auto count = static_cast<py::ssize_t>(solver_.coefficient_count());
    if (first.shape(0) > count) {
      throw py::value_error("shape: want at most " + std::to_string(count) + " coefficients");
    }
    const py::array second = checked<double>(expression, "expression", {count - first.shape(0)});
    std::vector<double> values(solver_.coefficient_count());
    std::copy_n(input_data<double>(first), first.shape(0), values.begin());
    std::copy_n(input_data<double>(second), second.shape(0), values.begin() + first.shape(0));
    return values;
  }

  py::ssize_t landmarks() const { return static_cast<py::ssize_t>(solver_.landmark_count()); }

  face_recon::PoseSolver solver_;
};

}  // namespace

void bind_pose_solver(py::module_ & module)
{
  py::class_<face_recon::RotationCalibration>(module, "RotationCalibration")
    .def(
      py::init(&calibration_of), py::arg("uncertainty_unit"), py::arg("uncertainty_range"),
      py::arg("exponents"), py::arg("largest_deg"), py::arg("azimuth_deg"), py::arg("sigma_deg"))
    .def(
      "sigma_rad", &face_recon::RotationCalibration::sigma_rad, py::arg("azimuth_rad"),
      py::arg("uncertainty"));
  module.def("assign", &assign, py::arg("cost"));
  py::class_<PyPoseSolver>(module, "PoseSolver")
    .def(
      py::init<const py::object &, const py::object &, double, double>(), py::arg("mean"),
      py::arg("basis"), py::arg("across_ratio"), py::arg("focal_ratio"))
    .def(
      "project", &PyPoseSolver::project, py::arg("camera_matrix"), py::arg("shape"),
      py::arg("expression"))
    .def(
      "solve", &PyPoseSolver::solve, py::arg("camera_matrix"), py::arg("shape"),
      py::arg("expression"), py::arg("intrinsics"), py::arg("directions"), py::arg("position_m"),
      py::arg("calibrated"), py::arg("head_scale"), py::arg("head_sigma"), py::arg("uncertainty"),
      py::arg("calibration"));
}
