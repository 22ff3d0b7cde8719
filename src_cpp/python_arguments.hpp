// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Checks of what Python passes: errors name the argument, what is wanted and what was given.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace face_recon
{

namespace py = pybind11;

constexpr py::ssize_t kAnySize = -1;

using Shape = std::initializer_list<py::ssize_t>;

inline std::string shape_text(const py::ssize_t * extents, std::size_t count)
{
  std::string text = "(";
  for (std::size_t k = 0; k < count; ++k) {
    text += k == 0 ? "" : ", ";
    text += extents[k] == kAnySize ? "any" : std::to_string(extents[k]);
  }
  return text + (count == 1 ? ",)" : ")");
}

template <typename T>
std::string wanted(const char * name, const Shape & shape)
{
  return std::string(name) + ": want " + py::str(py::dtype::of<T>()).cast<std::string>() + " " +
         shape_text(shape.begin(), shape.size());
}

// The array if it is exactly of this type and shape and C-contiguous; an error naming it if not.
template <typename T>
py::array checked(const py::handle & object, const char * name, const Shape & shape)
{
  if (!py::isinstance<py::array>(object)) {
    const auto type = py::str(py::type::of(object).attr("__name__")).cast<std::string>();
    throw py::type_error(wanted<T>(name, shape) + " array, got " + type);
  }
  auto array = py::reinterpret_borrow<py::array>(object);
  const py::dtype type = array.dtype();
  if (!type.is(py::dtype::of<T>()) && !type.equal(py::dtype::of<T>())) {
    throw py::type_error(
      wanted<T>(name, shape) + ", got dtype " + py::str(py::handle(type)).cast<std::string>());
  }
  bool fits = array.ndim() == static_cast<py::ssize_t>(shape.size());
  std::size_t axis = 0;
  for (const py::ssize_t extent : shape) {
    fits = fits && (extent == kAnySize || extent == array.shape(static_cast<int>(axis)));
    ++axis;
  }
  if (!fits) {
    throw py::value_error(
      wanted<T>(name, shape) + ", got " +
      shape_text(array.shape(), static_cast<std::size_t>(array.ndim())));
  }
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::value_error(wanted<T>(name, shape) + " C-contiguous, got strides of another layout");
  }
  return array;
}

template <typename T>
py::array checked_output(const py::handle & object, const char * name, const Shape & shape)
{
  py::array array = checked<T>(object, name, shape);
  if (!array.writeable()) {
    throw py::value_error(std::string(name) + ": want a writeable array, got a read-only one");
  }
  return array;
}

template <typename T>
const T * input_data(const py::array & array)
{
  return static_cast<const T *>(array.data());
}

template <typename T>
T * output_data(py::array & array)
{
  return static_cast<T *>(array.mutable_data());
}

template <typename T>
void require_finite(const py::array & array, const char * name)
{
  const auto * values = input_data<T>(array);
  for (py::ssize_t i = 0; i < array.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw py::value_error(
        std::string(name) + ": want finite values, got " + std::to_string(values[i]));
    }
  }
}

// The N numbers of an array of this shape.
template <std::size_t N>
std::array<double, N> doubles(const py::handle & object, const char * name, const Shape & shape)
{
  std::array<double, N> values{};
  std::copy_n(input_data<double>(checked<double>(object, name, shape)), N, values.begin());
  return values;
}

template <std::size_t N>
std::array<float, N> finite_floats(const py::handle & object, const char * name)
{
  const py::array array = checked<float>(object, name, {static_cast<py::ssize_t>(N)});
  std::array<float, N> values{};
  require_finite<float>(array, name);
  std::copy_n(input_data<float>(array), N, values.begin());
  return values;
}

inline void require_rows(const py::array & array, const char * name, std::int64_t rows)
{
  if (array.shape(0) < rows) {
    throw py::value_error(
      std::string(name) + ": want at least " + std::to_string(rows) +
      " rows (the triangles' largest index + 1), got " + std::to_string(array.shape(0)));
  }
}

}  // namespace face_recon
