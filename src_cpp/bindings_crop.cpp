// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Crops of images as Python calls them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "crop.hpp"
#include "python_arguments.hpp"

namespace py = pybind11;

using face_recon::checked;
using face_recon::checked_output;
using face_recon::input_data;
using face_recon::output_data;

namespace
{

// Rows may be apart; within one the bytes follow each other.
face_recon::BgrImage bgr_image(const py::array & image)
{
  constexpr py::ssize_t kMost = std::numeric_limits<std::int32_t>::max() / 4;
  const bool fits = image.dtype().equal(py::dtype::of<std::uint8_t>()) && image.ndim() == 3 &&
                    image.shape(2) == 3 && image.shape(0) <= kMost && image.shape(1) <= kMost;
  if (!fits || image.strides(1) != 3 || image.strides(2) != 1) {
    throw py::value_error("image: want uint8 (any, any, 3) whose rows are contiguous");
  }
  return {
    input_data<std::uint8_t>(image), image.strides(0), static_cast<std::int32_t>(image.shape(1)),
    static_cast<std::int32_t>(image.shape(0))};
}

void crop(
  const py::array & image, const py::object & image_from_crop, double sigma_px, float gain,
  const py::object & out, const std::string & simd)
{
  const face_recon::BgrImage bgr = bgr_image(image);
  const py::array held_map =
    checked<double>(image_from_crop, "image_from_crop", {face_recon::kAnySize, 3});
  const py::ssize_t rows = held_map.shape(0);
  if (rows != 2 && rows != 3) {
    throw py::value_error("image_from_crop: want float64 (2, 3) or (3, 3)");
  }
  std::array<double, 9> map = {0, 0, 0, 0, 0, 0, 0, 0, 1};
  std::copy_n(input_data<double>(held_map), 3 * rows, map.begin());
  py::array held_out =
    checked_output<float>(out, "out", {face_recon::kAnySize, face_recon::kAnySize, 3});
  const face_recon::CropSize size = {
    static_cast<std::size_t>(held_out.shape(1)), static_cast<std::size_t>(held_out.shape(0))};
  if (
    std::min(size.width, size.height) < face_recon::kLeastCrop ||
    std::max(size.width, size.height) > face_recon::kLargestCrop) {
    throw py::value_error("out: want sides of 4 to 1024 pixels");
  }
  const face_recon::Kernels & kernels = face_recon::kernels_named(simd);
  float * to = output_data<float>(held_out);
  const py::gil_scoped_release release;
  face_recon::crop(bgr, map, size, sigma_px, gain, kernels, to);
}

}  // namespace

void bind_crop(py::module_ & module)
{
  module.def(
    "crop", &crop, py::arg("image"), py::arg("image_from_crop"), py::arg("sigma_px"),
    py::arg("gain"), py::arg("out"), py::arg("simd") = "auto");
}
