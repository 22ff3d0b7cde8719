// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Draws face meshes: shaded over an image, as depth, as PNCC, as per-vertex visibility.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "screen_space.hpp"

namespace face_recon
{

// One placed mesh. Pointers are the caller's and are only read.
struct Face
{
  const float * vertices = nullptr;       // (V, 3) screen coordinates
  const std::uint8_t * colors = nullptr;  // (V, 3) BGR, or null for Shading::color

  // depth_m = plane[0] * x_px + plane[1] * y_px + plane[2] * z_px + plane[3]. With it, faces hide
  // one another by metric depth; without, by z.
  bool has_depth_plane = false;
  std::array<float, 4> depth_plane{};
};

// light = ambient + diffuse * max(0, n.l) + specular * max(0, n.h)^16, h half way between the
// light and the viewer, clipped to [0, 2]. Up to 1 it scales the colour; above, the colour runs
// to white, as in an over-exposed photograph.
struct Shading
{
  std::array<float, 3> light{-0.35F, -0.55F, 1.0F};  // towards the light, screen axes, any length
  float ambient = 0.30F;
  float diffuse = 0.68F;
  float specular = 0.22F;
  std::array<std::uint8_t, 3> color{178, 186, 204};  // BGR
  float opacity = 1.0F;
};

// What to produce, in one pass; null is not produced. All images are width x height, contiguous.
struct Outputs
{
  int width = 0;
  int height = 0;
  std::uint8_t * image = nullptr;             // (H, W, 3) BGR, drawn over
  float * depth_m = nullptr;                  // (H, W), NaN where no face is
  std::uint8_t * pncc = nullptr;              // (H, W, 3), 0 where no face is
  const std::uint8_t * pncc_codes = nullptr;  // (V, 3), wanted with pncc
  std::uint8_t * visibility = nullptr;        // (faces, visibility_stride), 0 or 1
  std::int64_t visibility_stride = 0;         // V

  PixelBox all() const { return {0, 0, width - 1, height - 1}; }
  std::size_t pixel_count() const
  {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
};

// What this build has for this processor, best first.
std::vector<std::string> instruction_sets();

class Renderer
{
public:
  // triangles: count * 3 vertex indices, counter-clockwise as seen from outside. Throws
  // std::invalid_argument when one is negative, or when this machine has not got the instruction
  // set: "auto" takes the best of instruction_sets(). surface: likewise, of a finer mesh that normals
  // are taken from; none: the triangles.
  Renderer(
    const std::int32_t * triangles, std::size_t count, const std::string & instruction_set,
    int threads, const std::int32_t * surface = nullptr, std::size_t surface_count = 0);
  ~Renderer();
  Renderer(Renderer &&) noexcept;
  Renderer & operator=(Renderer &&) noexcept;

  // Every vertices array must hold at least this many.
  std::int64_t required_vertices() const;

  // Not re-entrant: one call at a time per Renderer.
  void draw(const std::vector<Face> & faces, const Shading & shading, const Outputs & outputs);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace face_recon
