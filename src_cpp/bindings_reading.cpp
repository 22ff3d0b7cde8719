// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The reader of a network's outputs as Python calls it.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "landmark_decoder.hpp"
#include "network_reading.hpp"
#include "pose_solver.hpp"
#include "python_arguments.hpp"
#include "straight_reading.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::input_data;
using face_recon::kAnySize;

namespace
{

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

// (camera matrix, fit error, box, centre, side, roll, turned)
py::tuple tuple_of(const face_recon::FaceInImage & face)
{
  return py::make_tuple(
    py::array_t<double>({py::ssize_t{3}, py::ssize_t{4}}, face.camera_matrix.data()),
    face.fit_error, py::array_t<double>(4, face.box.data()),
    py::array_t<double>(2, face.centre.data()), face.side_px, face.roll_rad, face.turned_rad);
}

void require_landmark(bool is_one, const char * name)
{
  if (!is_one) {
    throw py::value_error(std::string(name) + ": want indices of landmarks");
  }
}

face_recon::NetworkReader network_reader(
  const py::object & mean, const py::object & basis, const face_recon::ReadingSettings & settings)
{
  const py::array points = checked<double>(mean, "mean", {kAnySize, 3});
  const py::array moves = checked<double>(basis, "basis", {points.shape(0), 3, kAnySize});
  const auto count = static_cast<std::size_t>(points.shape(0));
  require_landmark(settings.canthi[0] < count && settings.canthi[1] < count, "canthi");
  return face_recon::NetworkReader(
    input_data<double>(points), input_data<double>(moves), count,
    static_cast<std::size_t>(moves.shape(2)), settings);
}

// What the outputs are read from, checked.
struct Outputs
{
  py::array parameters;
  py::array points;

  Outputs(
    const face_recon::NetworkReader & reader, const py::object & given_parameters,
    const py::object & given_points)
  : parameters(
      checked<double>(
        given_parameters, "parameters",
        {static_cast<py::ssize_t>(12 + reader.coefficient_count())})),
    points(
      checked<double>(
        given_points, "points", {static_cast<py::ssize_t>(reader.landmark_count()), 3}))
  {
  }
};

class PyNetworkReader
{
public:
  PyNetworkReader(
    const py::object & mean, const py::object & basis, const std::array<std::size_t, 2> & canthi,
    const face_recon::Vector3 & crop_centre_m, double crop_side_m)
  : reader_(network_reader(mean, basis, {canthi, crop_centre_m, crop_side_m}))
  {
  }

  py::tuple read(
    const py::object & parameters, const py::object & points,
    const py::object & image_from_crop) const
  {
    const Outputs outputs(reader_, parameters, points);
    const auto map = face_recon::doubles<6>(image_from_crop, "image_from_crop", {2, 3});
    const double * parameter_data = input_data<double>(outputs.parameters);
    const double * point_data = input_data<double>(outputs.points);
    face_recon::FaceInImage face;
    {
      const py::gil_scoped_release release;
      face = reader_.read(parameter_data, point_data, map);
    }
    return tuple_of(face);
  }

private:
  face_recon::NetworkReader reader_;
};

class PyStraightReader
{
public:
  PyStraightReader(
    const py::object & mean, const py::object & basis, const std::array<std::size_t, 2> & canthi,
    const face_recon::Vector3 & crop_centre_m, double crop_side_m, const py::object & solve,
    const Pairs & lip_pairs, const std::array<double, 3> & lip_distances,
    const py::object & pose_mean, const py::object & pose_basis)
  : reader_(construct(
      network_reader(mean, basis, {canthi, crop_centre_m, crop_side_m}), mean, basis, solve,
      {lip_pairs, lip_distances[0], lip_distances[1], lip_distances[2]}, pose_mean, pose_basis))
  {
  }

  // (what NetworkReader reads, coefficients)
  py::tuple read(
    const py::object & parameters, const py::object & points, const py::object & image_from_crop,
    const py::object & plane_from_crop, bool calibrated) const
  {
    const Outputs outputs(reader_.reader(), parameters, points);
    const face_recon::CropPlace place = {
      face_recon::doubles<9>(image_from_crop, "image_from_crop", {3, 3}),
      face_recon::doubles<9>(plane_from_crop, "plane_from_crop", {3, 3}), calibrated};
    const double * parameter_data = input_data<double>(outputs.parameters);
    const double * point_data = input_data<double>(outputs.points);
    face_recon::StraightFace found;
    {
      const py::gil_scoped_release release;
      found = reader_.read(parameter_data, point_data, place);
    }
    const auto count = static_cast<py::ssize_t>(found.coefficients.size());
    return py::make_tuple(
      tuple_of(found.face), py::array_t<double>(count, found.coefficients.data()));
  }

private:
  static face_recon::StraightReader construct(
    face_recon::NetworkReader reader, const py::object & mean, const py::object & basis,
    const py::object & solve, face_recon::LipSettings lips, const py::object & pose_mean,
    const py::object & pose_basis)
  {
    const std::size_t landmarks = reader.landmark_count();
    const std::size_t coefficients = reader.coefficient_count();
    const auto columns = static_cast<py::ssize_t>(3 * landmarks);
    const auto rows = static_cast<py::ssize_t>(coefficients);
    const py::array solved = checked<double>(solve, "solve", {rows, columns});
    require_landmark(!lips.pairs.empty(), "lip_pairs");
    for (const auto & [upper, lower] : lips.pairs) {
      require_landmark(upper < landmarks && lower < landmarks, "lip_pairs");
    }
    const py::array points = checked<double>(pose_mean, "pose_mean", {kAnySize, 3});
    const py::array moves = checked<double>(pose_basis, "pose_basis", {points.shape(0), 3, rows});
    face_recon::LandmarkDecoder decoder(
      input_data<double>(checked<double>(mean, "mean", {kAnySize, 3})),
      input_data<double>(checked<double>(basis, "basis", {kAnySize, 3, rows})),
      input_data<double>(solved), landmarks, coefficients, std::move(lips));
    face_recon::PoseSolver pose(
      input_data<double>(points), input_data<double>(moves),
      static_cast<std::size_t>(points.shape(0)), coefficients, {});
    return face_recon::StraightReader(std::move(reader), std::move(decoder), std::move(pose));
  }

  face_recon::StraightReader reader_;
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
  py::class_<PyStraightReader>(module, "StraightReader")
    .def(
      py::init<
        const py::object &, const py::object &, const std::array<std::size_t, 2> &,
        const face_recon::Vector3 &, double, const py::object &, const Pairs &,
        const std::array<double, 3> &, const py::object &, const py::object &>(),
      py::arg("mean"), py::arg("basis"), py::arg("canthi"), py::arg("crop_centre_m"),
      py::arg("crop_side_m"), py::arg("solve"), py::arg("lip_pairs"), py::arg("lip_distances"),
      py::arg("pose_mean"), py::arg("pose_basis"))
    .def(
      "read", &PyStraightReader::read, py::arg("parameters"), py::arg("points"),
      py::arg("image_from_crop"), py::arg("plane_from_crop"), py::arg("calibrated"));
}
