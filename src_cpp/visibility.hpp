// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Which vertices are seen, told from the drawn surface.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "renderer.hpp"
#include "screen_space.hpp"
#include "topology.hpp"

namespace face_recon
{

// How near a pixel without surface is.
constexpr float kNothing = -std::numeric_limits<float>::infinity();
// A vertex behind the surface by less than this part of its face's extent in depth is seen.
constexpr float kVisibilityTolerance = 0.01F;

// Seen: on a front-facing triangle, inside the image, and not behind the surface around it, where
// "around" is the four pixels next to it and a pixel without surface hides nothing.
// faces_viewer(i), nearness(i): of vertex i; surface(x, y): nearness of a pixel inside the box.
template <typename FacesViewer, typename Nearness, typename Surface>
void mark_visible(
  const Topology & topology, const Face & face, const PixelBox & box, const Outputs & outputs,
  std::int64_t index, FacesViewer faces_viewer, Nearness nearness, Surface surface)
{
  std::uint8_t * visible = outputs.visibility + index * outputs.visibility_stride;
  std::fill(visible, visible + outputs.visibility_stride, std::uint8_t{0});
  float nearest = kNothing, farthest = -kNothing;
  for (std::size_t i = 0; i < topology.vertex_count; ++i) {
    if (faces_viewer(i)) {
      nearest = std::max(nearest, nearness(i));
      farthest = std::min(farthest, nearness(i));
    }
  }
  const float tolerance = kVisibilityTolerance * (nearest - farthest);
  const float right = static_cast<float>(outputs.width) - 0.5F;
  const float bottom = static_cast<float>(outputs.height) - 0.5F;
  for (std::size_t i = 0; i < topology.vertex_count; ++i) {
    if (!faces_viewer(i)) {
      continue;
    }
    const float * xyz = face.vertices + topology.point(i);
    if (!(xyz[0] >= -0.5F && xyz[1] >= -0.5F && xyz[0] < right && xyz[1] < bottom)) {
      continue;
    }
    const std::int64_t x = floor_to_int(xyz[0]);
    const std::int64_t y = floor_to_int(xyz[1]);
    float around = -kNothing;
    for (std::int64_t row = y; row <= y + 1; ++row) {
      for (std::int64_t column = x; column <= x + 1; ++column) {
        around = std::min(around, box.holds(column, row) ? surface(column, row) : kNothing);
      }
    }
    visible[topology.source_vertex[i]] = nearness(i) + tolerance >= around ? 1 : 0;
  }
}

}  // namespace face_recon
