// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// With python_arguments.hpp all that knows of Python: checks arguments, releases the GIL, calls.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "decoder.hpp"
#include "python_arguments.hpp"
#include "renderer.hpp"

namespace py = pybind11;

void bind_crop(py::module_ & module);
void bind_depth(py::module_ & module);
void bind_eyes(py::module_ & module);
void bind_mesh(py::module_ & module);
void bind_network_reader(py::module_ & module);
void bind_pose_solver(py::module_ & module);
void bind_tracking(py::module_ & module);

namespace
{

using face_recon::checked;
using face_recon::checked_output;
using face_recon::finite_floats;
using face_recon::input_data;
using face_recon::kAnySize;
using face_recon::output_data;
using face_recon::require_finite;
using face_recon::require_rows;

constexpr py::ssize_t kMaxImageSide = 1 << 20;

class PyRenderer
{
public:
  PyRenderer(
    const py::object & triangles, int threads, const std::string & simd,
    const py::object & surface)
  : renderer_(construct(triangles, threads, simd, surface))
  {
  }

  std::int64_t required_vertices() const { return renderer_.required_vertices(); }

  // faces: (vertices, depth_plane or None, colors or None) each.
  void draw(
    const std::vector<std::tuple<py::object, py::object, py::object>> & faces, int height,
    int width, const py::object & image, const py::object & depth, const py::object & pncc,
    const py::object & pncc_codes, const py::object & visibility,
    const std::array<float, 3> & light, float ambient, float diffuse, float specular,
    const std::array<std::uint8_t, 3> & color, float opacity)
  {
    if (width < 0 || height < 0 || width > kMaxImageSide || height > kMaxImageSide) {
      throw py::value_error(
        "size: want 0 to " + std::to_string(kMaxImageSide) + " in both directions, got " +
        std::to_string(height) + " x " + std::to_string(width));
    }
    const std::int64_t rows = renderer_.required_vertices();
    std::vector<py::object> keep;
    std::vector<face_recon::Face> views;
    for (const auto & [vertices, plane, colors] : faces) {
      face_recon::Face view;
      const py::array points = checked<float>(vertices, "vertices", {kAnySize, 3});
      require_rows(points, "vertices", rows);
      keep.push_back(points);
      view.vertices = input_data<float>(points);
      if (!plane.is_none()) {
        view.has_depth_plane = true;
        view.depth_plane = finite_floats<4>(plane, "depth_plane");
      } else if (!depth.is_none()) {
        throw py::value_error("depth_plane: want float32 (4,) for a depth image, got None");
      }
      if (!views.empty() && view.has_depth_plane != views.front().has_depth_plane) {
        throw py::value_error("depth_plane: want one for all faces or for none, got a mixture");
      }
      if (!colors.is_none()) {
        const py::array values = checked<std::uint8_t>(colors, "colors", {points.shape(0), 3});
        keep.push_back(values);
        view.colors = input_data<std::uint8_t>(values);
      }
      views.push_back(view);
    }
    face_recon::Shading shading;
    shading.light = light;
    const float length = std::hypot(light[0], light[1], light[2]);
    if (!(length > 0.0F && std::isfinite(length))) {
      throw py::value_error(
        "light: want a direction, got (" + std::to_string(light[0]) + ", " +
        std::to_string(light[1]) + ", " + std::to_string(light[2]) + ")");
    }
    shading.ambient = strength(ambient, "ambient");
    shading.diffuse = strength(diffuse, "diffuse");
    shading.specular = strength(specular, "specular");
    shading.color = color;
    if (!(opacity >= 0.0F && opacity <= 1.0F)) {
      throw py::value_error("opacity: want 0 to 1, got " + std::to_string(opacity));
    }
    shading.opacity = opacity;

    face_recon::Outputs outputs;
    outputs.width = width;
    outputs.height = height;
    py::array held_image, held_depth, held_pncc, held_codes, held_visibility;
    if (!image.is_none()) {
      held_image = checked_output<std::uint8_t>(image, "image", {height, width, 3});
      outputs.image = output_data<std::uint8_t>(held_image);
    }
    if (!depth.is_none()) {
      held_depth = checked_output<float>(depth, "depth", {height, width});
      outputs.depth_m = output_data<float>(held_depth);
    }
    if (!pncc.is_none()) {
      held_pncc = checked_output<std::uint8_t>(pncc, "pncc", {height, width, 3});
      outputs.pncc = output_data<std::uint8_t>(held_pncc);
      held_codes = checked<std::uint8_t>(pncc_codes, "pncc_codes", {kAnySize, 3});
      require_rows(held_codes, "pncc_codes", rows);
      outputs.pncc_codes = input_data<std::uint8_t>(held_codes);
    }
    if (!visibility.is_none()) {
      held_visibility = checked_output<bool>(
        visibility, "visibility", {static_cast<py::ssize_t>(faces.size()), kAnySize});
      if (held_visibility.shape(1) < rows) {
        throw py::value_error(
          "visibility: want at least " + std::to_string(rows) + " columns, got " +
          std::to_string(held_visibility.shape(1)));
      }
      // NumPy's bool is one byte, 0 or 1.
      outputs.visibility = static_cast<std::uint8_t *>(held_visibility.mutable_data());
      outputs.visibility_stride = held_visibility.shape(1);
    }
    const py::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(drawing_);
    renderer_.draw(views, shading, outputs);
  }

private:
  static face_recon::Renderer construct(
    const py::object & triangles, int threads, const std::string & simd,
    const py::object & surface)
  {
    const py::array indices = checked<std::int32_t>(triangles, "triangles", {kAnySize, 3});
    py::array finer;
    if (!surface.is_none()) {
      finer = checked<std::int32_t>(surface, "surface", {kAnySize, 3});
    }
    const auto * finer_data = surface.is_none() ? nullptr : input_data<std::int32_t>(finer);
    const auto finer_count = static_cast<std::size_t>(surface.is_none() ? 0 : finer.shape(0));
    if (threads < 1 || threads > 64) {
      throw py::value_error("threads: want 1 to 64, got " + std::to_string(threads));
    }
    const py::gil_scoped_release release;
    return face_recon::Renderer(
      input_data<std::int32_t>(indices), static_cast<std::size_t>(indices.shape(0)), simd, threads,
      finer_data, finer_count);
  }

  static float strength(float value, const char * name)
  {
    if (!(value >= 0.0F && value <= 100.0F)) {
      throw py::value_error(std::string(name) + ": want 0 to 100, got " + std::to_string(value));
    }
    return value;
  }

  face_recon::Renderer renderer_;
  std::mutex drawing_;
};

class PyDecoder
{
public:
  PyDecoder(
    const py::object & mean, const py::object & shape_basis, const py::object & shape_step,
    const py::object & expression_basis, const py::object & expression_step,
    const std::string & simd)
  : decoder_(construct(
      mean, shape_basis, shape_step, expression_basis, expression_step, simd, shape_count_,
      expression_count_))
  {
  }

  bool is_symmetric() const { return decoder_.is_symmetric(); }

  py::object decode(
    const py::object & camera_matrix, const py::object & shape, const py::object & expression,
    const py::object & out) const
  {
    const py::array matrix = checked<float>(camera_matrix, "camera_matrix", {3, 4});
    const py::array shape_values = checked<float>(shape, "shape", {shape_count_});
    const py::array expression_values =
      checked<float>(expression, "expression", {expression_count_});
    require_finite<float>(matrix, "camera_matrix");
    require_finite<float>(shape_values, "shape");
    require_finite<float>(expression_values, "expression");
    const auto vertices = static_cast<py::ssize_t>(decoder_.vertex_count());
    py::object result = out;
    if (out.is_none()) {
      result = py::array_t<float>({vertices, py::ssize_t{3}});
    }
    py::array target = checked_output<float>(result, "out", {vertices, 3});
    std::array<float, 12> camera{};
    std::copy_n(input_data<float>(matrix), camera.size(), camera.begin());
    float * data = output_data<float>(target);
    {
      const py::gil_scoped_release release;
      decoder_.decode(
        camera, input_data<float>(shape_values), input_data<float>(expression_values), data);
    }
    return result;
  }

private:
  static face_recon::Decoder construct(
    const py::object & mean, const py::object & shape_basis, const py::object & shape_step,
    const py::object & expression_basis, const py::object & expression_step,
    const std::string & simd, py::ssize_t & shape_count, py::ssize_t & expression_count)
  {
    const py::array points = checked<float>(mean, "mean", {kAnySize, 3});
    const py::ssize_t vertices = points.shape(0);
    const py::array shape =
      checked<std::int16_t>(shape_basis, "shape_basis", {kAnySize, vertices, 3});
    const py::array expression =
      checked<std::int16_t>(expression_basis, "expression_basis", {kAnySize, vertices, 3});
    shape_count = shape.shape(0);
    expression_count = expression.shape(0);
    const py::array shape_scale = checked<float>(shape_step, "shape_step", {shape_count});
    const py::array expression_scale =
      checked<float>(expression_step, "expression_step", {expression_count});
    return face_recon::Decoder(
      input_data<float>(points), static_cast<std::size_t>(vertices),
      {input_data<std::int16_t>(shape), input_data<float>(shape_scale),
       static_cast<std::size_t>(shape_count)},
      {input_data<std::int16_t>(expression), input_data<float>(expression_scale),
       static_cast<std::size_t>(expression_count)},
      simd);
  }

  py::ssize_t shape_count_ = 0;
  py::ssize_t expression_count_ = 0;
  face_recon::Decoder decoder_;
};

}  // namespace

PYBIND11_MODULE(_renderer, module)
{
  module.doc() = "Mesh renderer and dense decoder in C++; use face_recon_ros.rendering.renderer.";
  py::class_<PyRenderer>(module, "Renderer")
    .def(
      py::init<const py::object &, int, const std::string &, const py::object &>(),
      py::arg("triangles"), py::arg("threads"), py::arg("simd"), py::arg("surface") = py::none())
    .def_property_readonly("required_vertices", &PyRenderer::required_vertices)
    .def(
      "draw", &PyRenderer::draw, py::arg("faces"), py::arg("height"), py::arg("width"),
      py::arg("image"), py::arg("depth"), py::arg("pncc"), py::arg("pncc_codes"),
      py::arg("visibility"), py::arg("light"), py::arg("ambient"), py::arg("diffuse"),
      py::arg("specular"), py::arg("color"), py::arg("opacity"));
  module.def("instruction_sets", &face_recon::instruction_sets);
  py::class_<PyDecoder>(module, "Decoder")
    .def(
      py::init<
        const py::object &, const py::object &, const py::object &, const py::object &,
        const py::object &, const std::string &>(),
      py::arg("mean"), py::arg("shape_basis"), py::arg("shape_step"), py::arg("expression_basis"),
      py::arg("expression_step"), py::arg("simd"))
    .def_property_readonly("is_symmetric", &PyDecoder::is_symmetric)
    .def(
      "decode", &PyDecoder::decode, py::arg("camera_matrix"), py::arg("shape"),
      py::arg("expression"), py::arg("out"));
  bind_crop(module);
  bind_depth(module);
  bind_eyes(module);
  bind_mesh(module);
  bind_network_reader(module);
  bind_pose_solver(module);
  bind_tracking(module);
}
