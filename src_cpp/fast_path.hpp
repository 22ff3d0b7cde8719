// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Draws through 32-bit surface words (kernels.hpp) instead of attributes per triangle: one colour,
// depth and visibility in one pass, colours per vertex and PNCC in one pass for each channel.
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

  // False, and nothing drawn, when the exact path is needed: a vertex that cannot be drawn, a face
  // more than kWindowExtent across.
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

  // One call's: where on the image, how large the surfaces are, in how many parts.
  struct Job
  {
    PixelBox box;
    std::size_t words = 0;
    std::size_t parts = 1;
  };

  // A buffer for each part of the work, merged into the first. All zero between calls.
  using Surface = std::vector<std::vector<std::uint32_t>>;

  // One channel of values per vertex, 0 to 255: of PNCC, or of each face's colours.
  struct Channel
  {
    const std::uint8_t * codes = nullptr;  // null: the faces' colours
    std::array<std::uint8_t, 3> color{};   // of faces without
    std::size_t index = 0;
  };

  // nearness = plane . (x, y, z, 1)
  static std::array<double, 4> nearness_plane(const Face & face);
  bool find_windows(
    const std::vector<Face> & faces, const Topology & topology, const Outputs & outputs);
  bool find_keys(const std::vector<Face> & faces);
  PlaceArguments place_arguments(
    const Topology & topology, const Face & face, const Window & window, const LightModel & light,
    bool with_light);
  static SurfaceBuffer surface_buffer(
    const Window & window, const PixelBox & box, std::vector<std::uint32_t> & pixels,
    std::int64_t stride);
  bool find_job(const Outputs & outputs, Job & job);
  // Draws all faces, with light or with a channel in the low halves.
  void draw_surface(
    const Topology & topology, const std::vector<Face> & faces, const LightModel & light,
    const Job & job, bool with_light, const Channel * channel, Surface & surface);
  void put_channel(const Topology & topology, const Face & face, const Channel & channel);
  void clear(const Job & job, Surface & surface);
  void rasterise(
    const Topology & topology, const SurfaceBuffer & buffer, std::size_t part, std::size_t parts);
  void draw_left_over(
    const SurfaceBuffer & buffer, const std::int32_t * corners, std::size_t triangles);
  void merge_rows(
    Surface & surface, std::int64_t first, std::int64_t last, std::size_t parts) const;
  // work(first, last): of the rows of the box.
  template <typename Work>
  void for_rows(const Job & job, Work work)
  {
    const auto rows = static_cast<std::size_t>(job.box.height());
    workers_.run(job.parts, [&](std::size_t part) {
      const auto edge = [&](std::size_t p) {
        return static_cast<std::int64_t>(rows * p / job.parts);
      };
      work(edge(part), edge(part + 1));
    });
  }
  void resolve_rows(
    const Shading & shading, const Outputs & outputs, const PixelBox & box, bool in_one_color,
    std::int64_t first, std::int64_t last) const;
  // Depth and PNCC outside the box.
  static void fill_around(const Outputs & outputs, const PixelBox & box);
  // The channels of PNCC, and of an image in colours per vertex.
  void draw_channels(
    const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
    const LightModel & light, const Outputs & outputs, const Job & job);
  void resolve_codes(
    const Outputs & outputs, const PixelBox & box, std::size_t channel, std::int64_t first_row,
    std::int64_t last_row) const;
  void resolve_colors(
    const Shading & shading, const Outputs & outputs, const PixelBox & box, std::size_t channel,
    std::int64_t first_row, std::int64_t last_row) const;
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
  Surface pixels_;
  Surface channel_pixels_;
  std::int64_t stride_ = 0;
};

}  // namespace face_recon
