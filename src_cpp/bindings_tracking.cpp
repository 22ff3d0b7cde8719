// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The filters of tracked faces as Python calls them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "one_euro.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::input_data;
using face_recon::kAnySize;

namespace
{

// min_cutoff_hz, beta, speed_cutoff_hz
using Numbers = std::tuple<double, double, double>;
// See DistanceSettings.
using DistanceNumbers = std::array<double, 5>;

face_recon::OneEuroSettings settings_of(const Numbers & numbers)
{
  const auto & [min_cutoff_hz, beta, speed_cutoff_hz] = numbers;
  return {min_cutoff_hz, beta, speed_cutoff_hz};
}

face_recon::DistanceSettings distance_of(const DistanceNumbers & n)
{
  return {n[0], n[1], n[2], n[3], n[4]};
}

py::array_t<double> array_of(const double * values, std::vector<py::ssize_t> shape)
{
  return py::array_t<double>(std::move(shape), values);
}

template <std::size_t N>
std::array<double, N> numbers_of(
  const py::object & object, const char * name, face_recon::Shape shape)
{
  const py::array held = checked<double>(object, name, shape);
  std::array<double, N> values{};
  std::copy_n(input_data<double>(held), N, values.begin());
  return values;
}

// As many numbers as the filter holds, where it holds some.
py::array vector_for(
  const face_recon::VectorFilter & filter, const py::object & values, const char * name)
{
  const auto held = static_cast<py::ssize_t>(filter.value().size());
  return checked<double>(values, name, {filter.empty() ? kAnySize : held});
}

class PyVectorFilter
{
public:
  explicit PyVectorFilter(const Numbers & numbers) : filter_(settings_of(numbers)) {}

  py::object value() const
  {
    return filter_.empty() ? py::object(py::none()) : py::object(array());
  }

  py::array_t<double> take(const py::object & value, double step_s, double unit)
  {
    const py::array held = vector_for(filter_, value, "value");
    filter_.take(input_data<double>(held), static_cast<std::size_t>(held.shape(0)), step_s, unit);
    return array();
  }

private:
  py::array_t<double> array() const
  {
    return array_of(filter_.value().data(), {static_cast<py::ssize_t>(filter_.value().size())});
  }

  face_recon::VectorFilter filter_;
};

class PyRotationFilter
{
public:
  PyRotationFilter(const Numbers & numbers, const DistanceNumbers & distance)
  : filter_(settings_of(numbers), distance_of(distance))
  {
  }

  py::object value() const
  {
    return filter_.empty() ? py::object(py::none())
                           : py::object(array_of(filter_.value().data(), {3, 3}));
  }

  py::array_t<double> take(const py::object & value, double step_s, double sigma_rad)
  {
    const auto & smooth = filter_.take(numbers_of<9>(value, "value", {3, 3}), step_s, sigma_rad);
    return array_of(smooth.data(), {3, 3});
  }

private:
  face_recon::RotationFilter filter_;
};

class PyFaceFilter
{
public:
  PyFaceFilter(
    const Numbers & rotation, const Numbers & position, const Numbers & size,
    const Numbers & shape, const Numbers & expression, const DistanceNumbers & distance)
  : filter_(
      {settings_of(rotation), settings_of(position), settings_of(size), settings_of(shape),
       settings_of(expression), distance_of(distance)})
  {
  }

  void resume() { filter_.resume(); }

  // (scale, rotation, origin); None where there is none yet.
  py::object place() const
  {
    if (filter_.empty()) {
      return py::none();
    }
    const auto place = filter_.place();
    return py::make_tuple(
      place.scale, array_of(place.rotation.data(), {3, 3}), array_of(place.origin.data(), {3}));
  }

  void carry(double scale, const py::object & rotation, const py::object & origin)
  {
    filter_.carry(
      {scale, numbers_of<9>(rotation, "rotation", {3, 3}), numbers_of<3>(origin, "origin", {3})});
  }

  py::tuple take(
    const py::object & camera_matrix, const py::object & shape, const py::object & expression,
    double step_s, double sigma_rad)
  {
    auto matrix = numbers_of<12>(camera_matrix, "camera_matrix", {3, 4});
    auto smooth_shape = copied(shape, "shape", shape_count_);
    auto smooth_expression = copied(expression, "expression", expression_count_);
    filter_.take(
      matrix, smooth_shape.mutable_data(), static_cast<std::size_t>(shape_count_),
      smooth_expression.mutable_data(), static_cast<std::size_t>(expression_count_), step_s,
      sigma_rad);
    return py::make_tuple(array_of(matrix.data(), {3, 4}), smooth_shape, smooth_expression);
  }

private:
  // Numbers of a count that is the first one's ever after.
  static py::array_t<double> copied(
    const py::object & values, const char * name, py::ssize_t & count)
  {
    const py::array held = checked<double>(values, name, {count});
    count = held.shape(0);
    return array_of(input_data<double>(held), {count});
  }

  face_recon::FaceFilter filter_;
  py::ssize_t shape_count_ = kAnySize;
  py::ssize_t expression_count_ = kAnySize;
};

}  // namespace

void bind_tracking(py::module_ & module)
{
  py::class_<PyVectorFilter>(module, "VectorFilter")
    .def(py::init<const Numbers &>(), py::arg("settings"))
    .def_property_readonly("value", &PyVectorFilter::value)
    .def("take", &PyVectorFilter::take, py::arg("value"), py::arg("step_s"), py::arg("unit"));
  py::class_<PyRotationFilter>(module, "RotationFilter")
    .def(
      py::init<const Numbers &, const DistanceNumbers &>(), py::arg("settings"),
      py::arg("distance"))
    .def_property_readonly("value", &PyRotationFilter::value)
    .def(
      "take", &PyRotationFilter::take, py::arg("value"), py::arg("step_s"), py::arg("sigma_rad"));
  py::class_<PyFaceFilter>(module, "FaceFilter")
    .def(
      py::init<
        const Numbers &, const Numbers &, const Numbers &, const Numbers &, const Numbers &,
        const DistanceNumbers &>(),
      py::arg("rotation"), py::arg("position"), py::arg("size"), py::arg("shape"),
      py::arg("expression"), py::arg("distance"))
    .def("resume", &PyFaceFilter::resume)
    .def("place", &PyFaceFilter::place)
    .def("carry", &PyFaceFilter::carry, py::arg("scale"), py::arg("rotation"), py::arg("origin"))
    .def(
      "take", &PyFaceFilter::take, py::arg("camera_matrix"), py::arg("shape"),
      py::arg("expression"), py::arg("step_s"), py::arg("sigma_rad"));
}
