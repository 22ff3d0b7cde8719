// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Draws anything the rules allow: vertices of any size, broken ones left out, colours per vertex,
// PNCC. Keeps for each pixel which triangle is nearest and works out its attributes at the end.
#pragma once

#include <cstdint>
#include <vector>

#include "renderer.hpp"
#include "screen_space.hpp"
#include "shading.hpp"
#include "topology.hpp"

namespace face_recon
{

class ExactPath
{
public:
  void draw(
    const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
    const Outputs & outputs);

private:
  struct PlacedVertex
  {
    SnappedPoint at{0, 0};
    bool drawable = false;
    bool front = false;
    float nearness = 0.0F;
    std::int32_t light = 0;
  };

  void place(
    const Topology & topology, const Face & face, const LightModel * light, PlacedVertex * out);
  PixelBox extent(const Outputs & outputs) const;
  void rasterise(const Topology & topology, std::int32_t face, const PixelBox & box);
  void resolve(
    const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
    const Outputs & outputs, const PixelBox & box) const;
  void test_visibility(
    const Topology & topology, const Face & face, std::int32_t index, const PixelBox & box,
    const Outputs & outputs) const;

  std::vector<PlacedVertex> placed_;   // all faces, one after the other
  std::vector<float> nearness_;        // of the box, kNothing where nothing is
  std::vector<std::int32_t> painter_;  // which triangle
  std::vector<std::int32_t> owner_;    // of which face
};

}  // namespace face_recon
