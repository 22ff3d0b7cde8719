// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "floating_point.hpp"
#include "kernels.hpp"

#if defined(__aarch64__)

#include "crop_loops.hpp"
#include "decode_loops.hpp"
#include "pixel_rows.hpp"
#include "product_loops.hpp"
#include "rasterise.hpp"
#include "simd_neon.hpp"
#include "vertex_loops.hpp"

namespace face_recon
{
namespace
{

// As sample_row, a pixel's three channels at once: rows first, then columns. Integers: any order.
void sample_row_neon(const SampleArguments & a)
{
  constexpr std::uint8_t kRgb[8] = {2, 1, 0, 5, 4, 3, 6, 7};
  const uint8x8_t rgb = vld1_u8(kRgb);
  sample_places(a, [&](const std::uint8_t * upper, const SamplePlace & at, float * out) {
    const uint8x8_t above = vtbl1_u8(vld1_u8(upper), rgb);
    const uint8x8_t below = vtbl1_u8(vld1_u8(upper + a.row_bytes), rgb);
    const auto down = static_cast<std::uint8_t>(at.down);
    const auto up = static_cast<std::uint8_t>(kWeightOne - at.down);
    const uint16x8_t row = vmlal_u8(vmull_u8(above, vdup_n_u8(up)), below, vdup_n_u8(down));
    const uint16x4_t left = vget_low_u16(row);
    const uint16x4_t right = vget_low_u16(vextq_u16(row, row, 3));
    const uint32x4_t sum = vmlal_n_u16(
      vmull_n_u16(left, static_cast<std::uint16_t>(kWeightOne - at.right)), right,
      static_cast<std::uint16_t>(at.right));
    vst1q_f32(out, vcvtq_f32_u32(sum));
  });
}

constexpr Kernels kKernels{
  "neon",        VertexLoops<Neon>::bounds, VertexLoops<Neon>::place, rasterise<Neon>, shade_row,
  depth_row,     DecodeLoops<Neon>::decode, sample_row_neon,          blur_row,        mix_rows,
  products<Neon>};

}  // namespace

const Kernels * neon_kernels() { return &kKernels; }

}  // namespace face_recon

#else

namespace face_recon
{
const Kernels * neon_kernels() { return nullptr; }
}  // namespace face_recon

#endif
