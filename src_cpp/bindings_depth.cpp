// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Depth images as Python calls them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "depth_alignment.hpp"
#include "depth_surface.hpp"
#include "python_arguments.hpp"
#include "skin.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::doubles;
using face_recon::input_data;
using face_recon::kAnySize;

namespace
{

// Depth images may have any layout; nothing of them is copied.
face_recon::DepthView depth_view(const py::array & values)
{
  face_recon::DepthView view;
  const bool flat = values.ndim() == 2 && values.dtype().attr("isnative").cast<bool>();
  const char kind = values.dtype().kind();
  const py::ssize_t size = values.itemsize();
  if (flat && kind == 'u' && size == 2) {
    view.unit = face_recon::DepthUnit::kMillimetres16;
  } else if (flat && kind == 'f' && size == 4) {
    view.unit = face_recon::DepthUnit::kMetres32;
  } else if (flat && kind == 'f' && size == 8) {
    view.unit = face_recon::DepthUnit::kMetres64;
  } else {
    throw py::type_error(
      "depth: want uint16, float32 or float64 (any, any), got " +
      py::str(py::handle(values.dtype())).cast<std::string>() + " " +
      face_recon::shape_text(values.shape(), static_cast<std::size_t>(values.ndim())));
  }
  view.values = static_cast<const unsigned char *>(values.data());
  view.height = values.shape(0);
  view.width = values.shape(1);
  view.row_stride = values.strides(0);
  view.column_stride = values.strides(1);
  return view;
}

py::array_t<double> depth_at(const py::array & depth, const py::object & pixels)
{
  const face_recon::DepthView view = depth_view(depth);
  const py::array places = checked<double>(pixels, "pixels", {kAnySize, 2});
  py::array_t<double> result(places.shape(0));
  const double * place = input_data<double>(places);
  double * out = result.mutable_data();
  const py::ssize_t count = places.shape(0);
  const py::gil_scoped_release release;
  for (py::ssize_t n = 0; n < count; ++n) {
    out[n] = face_recon::depth_at(view, place[2 * n], place[2 * n + 1]);
  }
  return result;
}

template <std::size_t N>
py::array_t<double> array_of(const std::array<double, N> & values, std::vector<py::ssize_t> shape)
{
  py::array_t<double> result(std::move(shape));
  std::copy_n(values.begin(), N, result.mutable_data());
  return result;
}

face_recon::Alignment align(
  const py::object & points, const py::object & normals, const py::object & pixels,
  const py::object & rays, const py::object & rotation, const py::object & translation,
  double head_scale, const py::object & rotation_covariance, double focal_length_px,
  const py::array & depth, const py::object & moves, const py::object & offsets,
  double noise_factor)
{
  const py::array held_points = checked<double>(points, "points", {kAnySize, 3});
  const py::ssize_t count = held_points.shape(0);
  const py::array held_normals = checked<double>(normals, "normals", {count, 3});
  const py::array held_pixels = checked<double>(pixels, "pixels", {count, 2});
  const py::array held_rays = checked<double>(rays, "rays", {count, 3});
  const py::array held_moves = checked<float>(moves, "moves", {count, kAnySize});
  const py::array held_offsets = checked<double>(offsets, "offsets", {count});
  face_recon::SeenFace face;
  face.count = static_cast<std::size_t>(count);
  face.points_m = input_data<double>(held_points);
  face.normals = input_data<double>(held_normals);
  face.pixels = input_data<double>(held_pixels);
  face.rays = input_data<double>(held_rays);
  face.rotation = doubles<9>(rotation, "rotation", {3, 3});
  face.translation_m = doubles<3>(translation, "translation", {3});
  face.head_scale = head_scale;
  face.rotation_covariance = doubles<9>(rotation_covariance, "rotation_covariance", {3, 3});
  face.focal_length_px = focal_length_px;
  face.modes = static_cast<std::size_t>(held_moves.shape(1));
  face.moves_m = input_data<float>(held_moves);
  face.offsets_m = input_data<double>(held_offsets);
  face.noise_factor = noise_factor;
  const face_recon::DepthView view = depth_view(depth);
  const py::gil_scoped_release release;
  return face_recon::align(face, view);
}

class PySkin
{
public:
  PySkin(
    const py::object & mean, const py::object & normals, const py::object & basis,
    std::size_t shapes)
  : skin_(construct(mean, normals, basis, shapes))
  {
  }

  // (fitted, other, offsets)
  py::tuple place(
    const py::object & fitted_shape, const py::object & shape, const py::object & expression) const
  {
    const auto shapes = static_cast<py::ssize_t>(skin_.shapes());
    const auto expressions = static_cast<py::ssize_t>(skin_.expressions());
    const py::array held_fitted = checked<double>(fitted_shape, "fitted_shape", {shapes});
    const py::array held_shape = checked<double>(shape, "shape", {shapes});
    const py::array held_expression = checked<double>(expression, "expression", {expressions});
    const auto count = static_cast<py::ssize_t>(skin_.count());
    py::array_t<double> fitted({count, py::ssize_t{3}}), other({count, py::ssize_t{3}});
    py::array_t<double> offsets(count);
    skin_.place(
      input_data<double>(held_fitted), input_data<double>(held_shape),
      input_data<double>(held_expression), fitted.mutable_data(), other.mutable_data(),
      offsets.mutable_data());
    return py::make_tuple(fitted, other, offsets);
  }

private:
  static face_recon::Skin construct(
    const py::object & mean, const py::object & normals, const py::object & basis,
    std::size_t shapes)
  {
    const py::array points = checked<double>(mean, "mean", {kAnySize, 3});
    const py::array held_normals = checked<double>(normals, "normals", {points.shape(0), 3});
    const py::array moves = checked<float>(basis, "basis", {kAnySize, points.shape(0), 3});
    const auto components = static_cast<std::size_t>(moves.shape(0));
    if (shapes > components) {
      throw py::value_error("shapes: want at most as many as there are components");
    }
    return face_recon::Skin(
      input_data<double>(points), input_data<double>(held_normals), input_data<float>(moves),
      static_cast<std::size_t>(points.shape(0)), shapes, components - shapes);
  }

  face_recon::Skin skin_;
};

// (logarithm of the size, its variance)
std::pair<double, double> skin_size(
  const py::object & information, const py::object & vector, double looks, double looks_sigma)
{
  const py::array held_vector = checked<double>(vector, "vector", {kAnySize});
  const py::ssize_t count = held_vector.shape(0);
  if (count < 1) {
    throw py::value_error("vector: want at least the size");
  }
  const py::array held = checked<double>(information, "information", {count, count});
  const face_recon::SkinSize found = face_recon::skin_size(
    input_data<double>(held), input_data<double>(held_vector), static_cast<std::size_t>(count),
    looks, looks_sigma);
  return {found.log_size, found.variance};
}

// (turn, covariance), without the prior
std::pair<py::array_t<double>, py::array_t<double>> without_prior(
  const py::object & turn, const py::object & covariance, const py::object & prior)
{
  const face_recon::DoubtfulTurn found = {
    doubles<3>(turn, "turn", {3}), doubles<9>(covariance, "covariance", {3, 3})};
  const auto alone = face_recon::without_prior(found, doubles<9>(prior, "prior", {3, 3}));
  return {array_of(alone.turn, {3}), array_of(alone.covariance, {3, 3})};
}

py::object stands_out(
  const py::object & rays, const py::object & depth_m, const py::array & depth,
  const py::object & around_px, const py::object & around_rays)
{
  const py::array held_rays = checked<double>(rays, "rays", {kAnySize, 3});
  const py::array held_depths = checked<double>(depth_m, "depth_m", {held_rays.shape(0)});
  const py::array pixels = checked<double>(around_px, "around_px", {kAnySize, 2});
  const py::array directions = checked<double>(around_rays, "around_rays", {pixels.shape(0), 3});
  const face_recon::MeasuredPoints face = {
    static_cast<std::size_t>(held_rays.shape(0)), input_data<double>(held_rays),
    input_data<double>(held_depths)};
  const std::optional<bool> found = face_recon::stands_out(
    face, depth_view(depth), static_cast<std::size_t>(pixels.shape(0)), input_data<double>(pixels),
    input_data<double>(directions));
  return found ? py::object(py::bool_(*found)) : py::object(py::none());
}

bool is_flat(
  const py::object & points, const py::object & normals, const py::object & rotation,
  double distance_m, double head_scale, const py::object & rays, const py::object & depth_m)
{
  const py::array held_points = checked<double>(points, "points", {kAnySize, 3});
  const py::ssize_t count = held_points.shape(0);
  const py::array held_normals = checked<double>(normals, "normals", {count, 3});
  const py::array held_rays = checked<double>(rays, "rays", {count, 3});
  const py::array held_depths = checked<double>(depth_m, "depth_m", {count});
  const face_recon::AlignedFace face = {
    input_data<double>(held_points), input_data<double>(held_normals),
    doubles<9>(rotation, "rotation", {3, 3}), distance_m, head_scale};
  return face_recon::is_flat(
    face, {static_cast<std::size_t>(count), input_data<double>(held_rays),
           input_data<double>(held_depths)});
}

}  // namespace

void bind_depth(py::module_ & module)
{
  py::enum_<face_recon::Outcome>(module, "Outcome")
    .value("ALIGNED", face_recon::Outcome::kAligned)
    .value("LOOKS_AWAY", face_recon::Outcome::kLooksAway)
    .value("FEW_VALID", face_recon::Outcome::kFewValid)
    .value("OTHER_DEPTH", face_recon::Outcome::kOtherDepth)
    .value("FEW_INLIERS", face_recon::Outcome::kFewInliers)
    .value("FAR_OFF", face_recon::Outcome::kFarOff);
  using face_recon::Alignment;
  py::class_<Alignment>(module, "Alignment")
    .def_readonly("outcome", &Alignment::outcome)
    .def_readonly("value", &Alignment::value)
    .def_readonly("head_scale", &Alignment::head_scale)
    .def_readonly("scale_sigma", &Alignment::scale_sigma)
    .def_readonly("apparent_scale", &Alignment::apparent_scale)
    .def_readonly("turned", &Alignment::turned)
    .def_readonly("residual_m", &Alignment::residual_m)
    .def_readonly("valid", &Alignment::valid)
    .def_readonly("inliers", &Alignment::inliers)
    .def_property_readonly(
      "rotation", [](const Alignment & found) { return array_of(found.rotation, {3, 3}); })
    .def_property_readonly(
      "translation_m", [](const Alignment & found) { return array_of(found.translation_m, {3}); })
    .def_property_readonly(
      "centre_m", [](const Alignment & found) { return array_of(found.centre_m, {3}); })
    .def_property_readonly(
      "covariance", [](const Alignment & found) { return array_of(found.covariance, {6, 6}); })
    .def_property_readonly(
      "shift_m", [](const Alignment & found) { return array_of(found.shift_m, {2}); })
    .def_property_readonly(
      "relief_information",
      [](const Alignment & found) {
        const auto count = static_cast<py::ssize_t>(found.relief_vector.size());
        py::array_t<double> result({count, count});
        std::copy(
          found.relief_information.begin(), found.relief_information.end(), result.mutable_data());
        return result;
      })
    .def_property_readonly("relief_vector", [](const Alignment & found) {
      return py::array_t<double>(
        static_cast<py::ssize_t>(found.relief_vector.size()), found.relief_vector.data());
    });
  module.def(
    "align", &align, py::arg("points"), py::arg("normals"), py::arg("pixels"), py::arg("rays"),
    py::arg("rotation"), py::arg("translation"), py::arg("head_scale"),
    py::arg("rotation_covariance"), py::arg("focal_length_px"), py::arg("depth"), py::arg("moves"),
    py::arg("offsets"), py::arg("noise_factor"));
  py::class_<PySkin>(module, "Skin")
    .def(
      py::init<const py::object &, const py::object &, const py::object &, std::size_t>(),
      py::arg("mean"), py::arg("normals"), py::arg("basis"), py::arg("shapes"))
    .def(
      "place", &PySkin::place, py::arg("fitted_shape"), py::arg("shape"), py::arg("expression"));
  module.def(
    "skin_size", &skin_size, py::arg("information"), py::arg("vector"), py::arg("looks"),
    py::arg("looks_sigma"));
  module.def(
    "without_prior", &without_prior, py::arg("turn"), py::arg("covariance"), py::arg("prior"));
  module.attr("MILLIMETRE_M") = face_recon::kMillimetre;
  module.attr("MISSING_MM") = face_recon::kMissingMillimetres;
  module.def("depth_at", &depth_at, py::arg("depth"), py::arg("pixels"));
  module.def(
    "is_flat", &is_flat, py::arg("points"), py::arg("normals"), py::arg("rotation"),
    py::arg("distance_m"), py::arg("head_scale"), py::arg("rays"), py::arg("depth_m"));
  module.def(
    "stands_out", &stands_out, py::arg("rays"), py::arg("depth_m"), py::arg("depth"),
    py::arg("around_px"), py::arg("around_rays"));
}
