// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "kernels.hpp"

#include <stdexcept>

namespace face_recon
{

std::vector<const Kernels *> available_kernels()
{
  std::vector<const Kernels *> result;
  for (const Kernels * kernels : {avx2_kernels(), neon_kernels(), portable_kernels()}) {
    if (kernels != nullptr) {
      result.push_back(kernels);
    }
  }
  return result;
}

const Kernels & kernels_named(const std::string & name)
{
  std::string names = "'auto'";
  for (const Kernels * kernels : available_kernels()) {
    if (name == kernels->name || name == "auto") {
      return *kernels;
    }
    names += std::string(", '") + kernels->name + "'";
  }
  throw std::invalid_argument(
    "simd: want one of " + names + " on this machine, got '" + name + "'");
}

}  // namespace face_recon
