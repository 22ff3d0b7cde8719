// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Draws what is asked for every frame - one colour, depth, visibility - through 32-bit surface
// words (kernels.hpp) instead of attributes per triangle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.hpp"
#include "renderer.hpp"
#include "shading.hpp"
#include "topology.hpp"
#include "workers.hpp"

namespace face_recon
{

class FastPath
{
public:
  FastPath(const Kernels & kernels, std::size_t threads) : kernels_(&kernels), workers_(threads) {}

  // False, and nothing drawn, when the exact path is needed: colours per vertex, PNCC, a vertex
  // that cannot be drawn, a face more than kWindowExtent across.
  bool draw(
    const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
    const Outputs & outputs);

private:
  // Where a face's vertices are: snapped coordinates count from the origin, a whole pixel.
  struct Window
  {
    Bounds bounds;
    std::int32_t origin_x = 0, origin_y = 0;  // pixels
    PixelBox box;                             // in the image
  };

  // From nearness to depth key: key = kKeyMargin + (nearness - farthest) * scale.
  struct DepthKeys
  {
    double farthest = 0.0;
    double scale = 0.0;

    float nearness(std::uint32_t word) const;
  };

  bool find_windows(
    const std::vector<Face> & faces, const Topology & topology, const Outputs & outputs);
  bool find_keys(const std::vector<Face> & faces);
  PlaceArguments place_arguments(
    const Topology & topology, const Face & face, const Window & window, const LightModel & light,
    bool with_light);
  SurfaceBuffer surface_buffer(const Window & window, const PixelBox & box, std::size_t part);
  void rasterise(
    const Topology & topology, const SurfaceBuffer & buffer, std::size_t part, std::size_t parts);
  void draw_left_over(
    const SurfaceBuffer & buffer, const std::int32_t * corners, std::size_t triangles);
  void merge_rows(std::int64_t first, std::int64_t last, std::size_t parts);
  void resolve_rows(
    const Shading & shading, const Outputs & outputs, const PixelBox & box, std::int64_t first,
    std::int64_t last) const;
  void test_visibility(
    const Topology & topology, const std::vector<Face> & faces, const PixelBox & box,
    const Outputs & outputs);

  // [first, last) of part `part` of `parts`, in steps of Topology::kBatch.
  static std::array<std::size_t, 2> share(std::size_t count, std::size_t part, std::size_t parts);

  const Kernels * kernels_;
  Workers workers_;
  std::vector<Window> windows_;
  DepthKeys keys_;
  std::vector<std::int32_t> xy_;
  std::vector<std::uint32_t> surface_;
  std::vector<std::int32_t> left_over_;
  std::vector<char> front_;
  std::vector<float> nearness_;
  std::vector<SnappedPoint> snapped_;
  // A buffer for each part of the work, merged into the first. All zero between calls.
  std::vector<std::vector<std::uint32_t>> pixels_;
  std::int64_t stride_ = 0;
};

}  // namespace face_recon
