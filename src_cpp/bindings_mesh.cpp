// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Python's view of coarser meshes.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coarser_mesh.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::input_data;
using face_recon::kAnySize;
using face_recon::MeshTriangle;

namespace
{

py::array coarser(const py::object & triangles, const py::object & vertices, std::size_t wanted)
{
  const py::array held_triangles = checked<std::int32_t>(triangles, "triangles", {kAnySize, 3});
  const py::array held_vertices = checked<float>(vertices, "vertices", {kAnySize, 3});
  face_recon::require_finite<float>(held_vertices, "vertices");
  const auto rows = static_cast<std::int32_t>(held_vertices.shape(0));
  const auto * indices = input_data<std::int32_t>(held_triangles);
  std::vector<MeshTriangle> given(static_cast<std::size_t>(held_triangles.shape(0)));
  for (std::size_t t = 0; t < given.size(); ++t) {
    std::copy_n(indices + 3 * t, 3, given[t].begin());
    for (const std::int32_t v : given[t]) {
      if (v < 0 || v >= rows) {
        throw py::value_error(
          "triangles: want indices of " + std::to_string(rows) + " vertices, got " +
          std::to_string(v));
      }
    }
  }
  std::vector<MeshTriangle> found;
  {
    const py::gil_scoped_release release;
    found = face_recon::coarser_mesh(
      std::move(given), input_data<float>(held_vertices), static_cast<std::size_t>(rows), wanted);
  }
  py::array_t<std::int32_t> result({static_cast<py::ssize_t>(found.size()), py::ssize_t{3}});
  std::int32_t * to = result.mutable_data();
  for (const MeshTriangle & triangle : found) {
    to = std::copy(triangle.begin(), triangle.end(), to);
  }
  return result;
}

}  // namespace

void bind_mesh(py::module_ & module)
{
  module.def("coarser", &coarser, py::arg("triangles"), py::arg("vertices"), py::arg("wanted"));
}
