// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Eyes as Python calls them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "eyes.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::doubles;
using face_recon::input_data;
using face_recon::OfBoth;
using face_recon::Vector3;

namespace
{

constexpr auto kOutputs = static_cast<py::ssize_t>(face_recon::kEyeOutputs);
constexpr auto kLids = static_cast<py::ssize_t>(face_recon::kLidPoints);

// (iris px, radius px, lids px, openness, width px, turns); all NaN of an eye that is not inside.
py::tuple read_eyes(
  const py::object & outputs, const OfBoth<py::object> & maps, const OfBoth<bool> & inside,
  const py::object & heads, const std::array<double, 3> & openness_scale)
{
  const py::array held_outputs = checked<float>(outputs, "outputs", {2, kOutputs});
  const auto head = doubles<4>(heads, "heads", {2, 2});
  const face_recon::OpennessScale scale = {
    openness_scale[0], openness_scale[1], openness_scale[2]};
  py::array_t<double> iris({2, 2}), radius(2), openness(2), width(2), turns({2, 2});
  py::array_t<double> lids({py::ssize_t{2}, kLids, py::ssize_t{2}});
  for (std::size_t side = 0; side < 2; ++side) {
    const auto map = doubles<6>(maps[side], "maps", {2, 3});
    face_recon::EyeInImage eye;
    if (inside[side]) {
      eye = face_recon::read_eye(
        input_data<float>(held_outputs) + side * face_recon::kEyeOutputs, map,
        {head[2 * side], head[2 * side + 1]}, scale);
    } else {
      const double none = std::nan("");
      eye = {{none, none}, none, {}, none, none, {none, none}};
      eye.lids_px.fill({none, none});
    }
    std::copy_n(eye.iris_px.begin(), 2, iris.mutable_data() + 2 * side);
    radius.mutable_data()[side] = eye.radius_px;
    double * lid = lids.mutable_data() + 2 * face_recon::kLidPoints * side;
    for (const auto & point : eye.lids_px) {
      lid = std::copy_n(point.begin(), 2, lid);
    }
    openness.mutable_data()[side] = eye.openness;
    width.mutable_data()[side] = eye.width_px;
    std::copy_n(eye.turn.begin(), 2, turns.mutable_data() + 2 * side);
  }
  return py::make_tuple(iris, radius, lids, openness, width, turns);
}

py::array_t<double> sines_seen(const Vector3 & direction, const py::object & points)
{
  const py::array held = checked<double>(points, "points", {face_recon::kAnySize, 3});
  py::array_t<double> result({held.shape(0), py::ssize_t{2}});
  const double * point = input_data<double>(held);
  double * out = result.mutable_data();
  for (py::ssize_t n = 0; n < held.shape(0); ++n, point += 3) {
    const auto sines = face_recon::sines_seen(direction, {point[0], point[1], point[2]});
    out = std::copy_n(sines.begin(), 2, out);
  }
  return result;
}

// (measured, direction, variance); the last two are None where no eye was measured.
py::tuple gaze_of(
  const py::object & turns, const py::object & width_px, const py::object & openness,
  const py::object & corners, const py::object & rotation, const py::object & covariance,
  double head_scale, const face_recon::GazeSettings & settings)
{
  face_recon::SeenEyes eyes;
  const auto turn = doubles<4>(turns, "turns", {2, 2});
  const auto corner = doubles<12>(corners, "corners", {2, 2, 3});
  for (std::size_t side = 0; side < 2; ++side) {
    eyes.turns[side] = {turn[2 * side], turn[2 * side + 1]};
    for (std::size_t k = 0; k < 2; ++k) {
      std::copy_n(corner.begin() + 6 * side + 3 * k, 3, eyes.corners_m[side][k].begin());
    }
  }
  eyes.width_px = doubles<2>(width_px, "width_px", {2});
  eyes.openness = doubles<2>(openness, "openness", {2});
  eyes.rotation = doubles<9>(rotation, "rotation", {3, 3});
  const auto of_pose = doubles<36>(covariance, "covariance", {6, 6});
  for (std::size_t i = 0; i < 3; ++i) {
    std::copy_n(of_pose.begin() + 6 * (i + 3) + 3, 3, eyes.rotation_covariance.begin() + 3 * i);
  }
  eyes.head_scale = head_scale;
  const face_recon::SeenGaze found = face_recon::gaze_of(eyes, settings);
  py::array_t<bool> measured(2);
  std::copy_n(found.measured.begin(), 2, measured.mutable_data());
  if (!found.measured[0] && !found.measured[1]) {
    return py::make_tuple(measured, py::none(), py::none());
  }
  return py::make_tuple(measured, py::array_t<double>(3, found.direction.data()), found.variance);
}

}  // namespace

void bind_eyes(py::module_ & module)
{
  using face_recon::GazeSettings;
  py::class_<GazeSettings>(module, "GazeSettings")
    .def(py::init<>())
    .def_readwrite("gain", &GazeSettings::gain)
    .def_readwrite("vertical_gain", &GazeSettings::vertical_gain)
    .def_readwrite("half_width_px", &GazeSettings::half_width_px)
    .def_readwrite("eye_sigma", &GazeSettings::eye_sigma)
    .def_readwrite("noise_width_px", &GazeSettings::noise_width_px)
    .def_readwrite("spread_rad", &GazeSettings::spread_rad)
    .def_readwrite("tilt_rad", &GazeSettings::tilt_rad)
    .def_readwrite("least_width_px", &GazeSettings::least_width_px)
    .def_readwrite("least_openness", &GazeSettings::least_openness)
    .def_readwrite("full_openness", &GazeSettings::full_openness)
    .def_readwrite("least_width_ratio", &GazeSettings::least_width_ratio)
    .def_readwrite("eye_width_m", &GazeSettings::eye_width_m)
    .def_readwrite("most_sine", &GazeSettings::most_sine);
  module.def(
    "read_eyes", &read_eyes, py::arg("outputs"), py::arg("maps"), py::arg("inside"),
    py::arg("heads"), py::arg("openness_scale"));
  module.def("sines_seen", &sines_seen, py::arg("direction"), py::arg("points"));
  module.def(
    "gaze_of", &gaze_of, py::arg("turns"), py::arg("width_px"), py::arg("openness"),
    py::arg("corners"), py::arg("rotation"), py::arg("covariance"), py::arg("head_scale"),
    py::arg("settings"));
}
