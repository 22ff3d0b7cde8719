#include "floating_point.hpp"
#include "kernel_templates.hpp"
#include "kernels.hpp"
#include "pixel_rows.hpp"
#include "simd_portable.hpp"

namespace face_recon
{
namespace
{

constexpr Kernels kKernels{"portable",
                           Loops<Portable>::bounds,
                           Loops<Portable>::place,
                           Loops<Portable>::rasterise,
                           shade_row,
                           depth_row,
                           Loops<Portable>::decode};

}  // namespace

const Kernels * portable_kernels() { return &kKernels; }

}  // namespace face_recon
