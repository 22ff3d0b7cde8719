#include "floating_point.hpp"
#include "kernels.hpp"

#if defined(__aarch64__)

#include "kernel_templates.hpp"
#include "pixel_rows.hpp"
#include "simd_neon.hpp"

namespace face_recon
{
namespace
{

constexpr Kernels kKernels{
  "neon",    Loops<Neon>::bounds, Loops<Neon>::place, Loops<Neon>::rasterise,
  shade_row, depth_row,           Loops<Neon>::decode};

}  // namespace

const Kernels * neon_kernels() { return &kKernels; }

}  // namespace face_recon

#else

namespace face_recon
{
const Kernels * neon_kernels() { return nullptr; }
}  // namespace face_recon

#endif
