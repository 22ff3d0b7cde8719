// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "floating_point.hpp"
#include "kernels.hpp"

#if defined(__aarch64__)

#include "crop_loops.hpp"
#include "decode_loops.hpp"
#include "pixel_rows.hpp"
#include "rasterise.hpp"
#include "simd_neon.hpp"
#include "vertex_loops.hpp"

namespace face_recon
{
namespace
{

constexpr Kernels kKernels{
  "neon",
  VertexLoops<Neon>::bounds,
  VertexLoops<Neon>::place,
  rasterise<Neon>,
  shade_row,
  depth_row,
  DecodeLoops<Neon>::decode,
  sample_row,
  blur_row,
  mix_rows};

}  // namespace

const Kernels * neon_kernels() { return &kKernels; }

}  // namespace face_recon

#else

namespace face_recon
{
const Kernels * neon_kernels() { return nullptr; }
}  // namespace face_recon

#endif
