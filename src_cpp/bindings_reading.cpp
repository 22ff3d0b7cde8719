// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The reader of a network's outputs as Python calls it.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "network_reading.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::input_data;
using face_recon::kAnySize;

namespace
{

class PyNetworkReader
{
public:
  PyNetworkReader(
    const py::object & mean, const py::object & basis, const std::array<std::size_t, 2> & canthi,
    const face_recon::Vector3 & crop_centre_m, double crop_side_m)
  : reader_(construct(mean, basis, {canthi, crop_centre_m, crop_side_m}))
  {
  }

  // (camera matrix, fit error, box, centre, side, roll, turned)
  py::tuple read(
    const py::object & parameters, const py::object & points,
    const py::object & image_from_crop) const
  {
    const auto numbers = static_cast<py::ssize_t>(12 + reader_.coefficient_count());
    const auto landmarks = static_cast<py::ssize_t>(reader_.landmark_count());
    const py::array held_parameters = checked<double>(parameters, "parameters", {numbers});
    const py::array held_points = checked<double>(points, "points", {landmarks, 3});
    const py::array held_map = checked<double>(image_from_crop, "image_from_crop", {2, 3});
    std::array<double, 6> map{};
    std::copy_n(input_data<double>(held_map), map.size(), map.begin());
    const double * parameter_data = input_data<double>(held_parameters);
    const double * point_data = input_data<double>(held_points);
    face_recon::FaceInImage face;
    {
      const py::gil_scoped_release release;
      face = reader_.read(parameter_data, point_data, map);
    }
    return py::make_tuple(
      py::array_t<double>({py::ssize_t{3}, py::ssize_t{4}}, face.camera_matrix.data()),
      face.fit_error, py::array_t<double>(4, face.box.data()),
      py::array_t<double>(2, face.centre.data()), face.side_px, face.roll_rad, face.turned_rad);
  }

private:
  static face_recon::NetworkReader construct(
    const py::object & mean, const py::object & basis,
    const face_recon::ReadingSettings & settings)
  {
    const py::array points = checked<double>(mean, "mean", {kAnySize, 3});
    const py::array moves = checked<double>(basis, "basis", {points.shape(0), 3, kAnySize});
    const auto count = static_cast<std::size_t>(points.shape(0));
    if (settings.canthi[0] >= count || settings.canthi[1] >= count) {
      throw py::value_error("canthi: want indices of landmarks");
    }
    return face_recon::NetworkReader(
      input_data<double>(points), input_data<double>(moves), count,
      static_cast<std::size_t>(moves.shape(2)), settings);
  }

  face_recon::NetworkReader reader_;
};

}  // namespace

void bind_network_reader(py::module_ & module)
{
  py::class_<PyNetworkReader>(module, "NetworkReader")
    .def(
      py::init<
        const py::object &, const py::object &, const std::array<std::size_t, 2> &,
        const face_recon::Vector3 &, double>(),
      py::arg("mean"), py::arg("basis"), py::arg("canthi"), py::arg("crop_centre_m"),
      py::arg("crop_side_m"))
    .def(
      "read", &PyNetworkReader::read, py::arg("parameters"), py::arg("points"),
      py::arg("image_from_crop"));
}
