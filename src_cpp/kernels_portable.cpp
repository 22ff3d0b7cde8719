// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "crop_loops.hpp"
#include "decode_loops.hpp"
#include "floating_point.hpp"
#include "kernels.hpp"
#include "pixel_rows.hpp"
#include "product_loops.hpp"
#include "rasterise.hpp"
#include "simd_portable.hpp"
#include "vertex_loops.hpp"

namespace face_recon
{
namespace
{

constexpr Kernels kKernels{
  "portable",
  VertexLoops<Portable>::bounds,
  VertexLoops<Portable>::place,
  rasterise<Portable>,
  shade_row,
  depth_row,
  DecodeLoops<Portable>::decode,
  sample_row,
  blur_row,
  mix_rows,
  products<Portable>};

}  // namespace

const Kernels * portable_kernels() { return &kKernels; }

}  // namespace face_recon
