// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A part of an image as a network takes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels.hpp"

namespace face_recon
{

// BGR; rows may be apart, and in any order.
struct BgrImage
{
  const std::uint8_t * pixels;
  std::int64_t row_bytes;
  std::int32_t width, height;
};

constexpr std::size_t kLeastCrop = 4;
constexpr std::size_t kLargestCrop = 1024;

struct CropSize
{
  std::size_t width, height;
};

// Writes pixels as RGB, times gain. image_from_crop (3, 3), a homography, takes the centre
// of a pixel of the crop to where it is sampled, bilinearly, in steps of 1/128 px; outside the image
// is black. One that is not affine is followed in pieces that are straight.
// sigma_px: of a Gaussian blur of 7 x 7 pixels afterwards, mirrored about the outer pixels; 0: none.
void crop(
  const BgrImage & image, const std::array<double, 9> & image_from_crop, const CropSize & size,
  double sigma_px, float gain, const Kernels & kernels, float * out);

}  // namespace face_recon
