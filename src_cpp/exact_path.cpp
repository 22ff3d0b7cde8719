// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "exact_path.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "visibility.hpp"

namespace face_recon
{

void ExactPath::place(
  const Topology & topology, const Face & face, const LightModel * light, PlacedVertex * out)
{
  for (std::size_t i = 0; i < topology.vertex_count; ++i) {
    const float * xyz = face.vertices + topology.point(i);
    PlacedVertex & vertex = out[i];
    vertex = PlacedVertex{};
    if (!is_drawable(xyz)) {
      continue;
    }
    vertex.drawable = true;
    vertex.at = {snap(xyz[0]), snap(xyz[1])};
    if (face.has_depth_plane) {
      const auto & plane = face.depth_plane;
      vertex.nearness = -(plane[0] * xyz[0] + plane[1] * xyz[1] + plane[2] * xyz[2] + plane[3]);
    } else {
      vertex.nearness = xyz[2];
    }
    if (light != nullptr) {
      const auto neighbour = [&](std::size_t k) {
        return face.vertices + topology.ring_point(i, k);
      };
      vertex.light = light->at(neighbour(0), neighbour(1), neighbour(2), neighbour(3));
    }
  }
}

PixelBox ExactPath::extent(const Outputs & outputs) const
{
  constexpr std::int32_t kFar = std::numeric_limits<std::int32_t>::max();
  std::int32_t x0 = kFar, y0 = kFar, x1 = -kFar, y1 = -kFar;
  for (const PlacedVertex & vertex : placed_) {
    if (vertex.drawable) {
      x0 = std::min(x0, vertex.at.x);
      x1 = std::max(x1, vertex.at.x);
      y0 = std::min(y0, vertex.at.y);
      y1 = std::max(y1, vertex.at.y);
    }
  }
  if (x0 > x1) {
    return {};
  }
  return pixels_of(x0, y0, x1, y1, outputs.all());
}

void ExactPath::rasterise(const Topology & topology, std::int32_t face, const PixelBox & box)
{
  PlacedVertex * vertices =
    placed_.data() + static_cast<std::size_t>(face) * topology.vertex_count;
  const std::int64_t stride = box.width();
  for (std::size_t t = 0; t < topology.triangle_count(); ++t) {
    PlacedVertex & p = vertices[topology.vertex_of(t, 0)];
    PlacedVertex & q = vertices[topology.vertex_of(t, 1)];
    PlacedVertex & r = vertices[topology.vertex_of(t, 2)];
    if (!p.drawable || !q.drawable || !r.drawable || doubled_area(p.at, q.at, r.at) <= 0) {
      continue;
    }
    p.front = q.front = r.front = true;
    const double towards_q = double{q.nearness} - p.nearness;
    const double towards_r = double{r.nearness} - p.nearness;
    for_each_pixel(
      p.at, q.at, r.at, box,
      [&](std::int64_t x, std::int64_t y, double weight_q, double weight_r) {
        const auto near =
          static_cast<float>(p.nearness + weight_q * towards_q + weight_r * towards_r);
        const auto slot = static_cast<std::size_t>((y - box.y0) * stride + x - box.x0);
        if (near > nearness_[slot]) {
          nearness_[slot] = near;
          painter_[slot] = static_cast<std::int32_t>(t);
          owner_[slot] = face;
        }
      });
  }
}

void ExactPath::resolve(
  const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
  const Outputs & outputs, const PixelBox & box) const
{
  const auto opacity_256 = static_cast<std::int32_t>(shading.opacity * 256.0F + 0.5F);
  const std::int64_t stride = box.width();
  for (std::int64_t y = box.y0; y <= box.y1; ++y) {
    for (std::int64_t x = box.x0; x <= box.x1; ++x) {
      const auto slot = static_cast<std::size_t>((y - box.y0) * stride + x - box.x0);
      if (nearness_[slot] == kNothing) {
        continue;
      }
      const auto pixel = static_cast<std::size_t>(y * outputs.width + x);
      const Face & face = faces[static_cast<std::size_t>(owner_[slot])];
      if (outputs.depth_m != nullptr) {
        outputs.depth_m[pixel] = -nearness_[slot];
      }
      if (outputs.image == nullptr && outputs.pncc == nullptr) {
        continue;
      }
      const PlacedVertex * vertices =
        placed_.data() + static_cast<std::size_t>(owner_[slot]) * topology.vertex_count;
      const auto t = static_cast<std::size_t>(painter_[slot]);
      const std::size_t corners[3] = {
        topology.vertex_of(t, 0), topology.vertex_of(t, 1), topology.vertex_of(t, 2)};
      const SnappedPoint p = vertices[corners[0]].at;
      const SnappedPoint q = vertices[corners[1]].at;
      const SnappedPoint r = vertices[corners[2]].at;
      const SnappedPoint here{
        static_cast<std::int32_t>(x * kSubpixels), static_cast<std::int32_t>(y * kSubpixels)};
      const double scale = 1.0 / static_cast<double>(doubled_area(p, q, r));
      const double weight_q = static_cast<double>(doubled_area(p, here, r)) * scale;
      const double weight_r = static_cast<double>(doubled_area(p, q, here)) * scale;
      const double weight_p = 1.0 - weight_q - weight_r;
      const auto mix = [&](double at_p, double at_q, double at_r) {
        return static_cast<std::int32_t>(
          std::floor(weight_p * at_p + weight_q * at_q + weight_r * at_r + 0.5));
      };
      const auto mix_channel = [&](const std::uint8_t * channels, std::size_t c) {
        const auto channel = [&](std::size_t k) {
          const auto source = static_cast<std::size_t>(topology.source_vertex[corners[k]]);
          return double{static_cast<double>(channels[3 * source + c])};
        };
        return std::clamp(mix(channel(0), channel(1), channel(2)), 0, 255);
      };
      for (std::size_t c = 0; c < 3; ++c) {
        if (outputs.pncc != nullptr) {
          outputs.pncc[3 * pixel + c] =
            static_cast<std::uint8_t>(mix_channel(outputs.pncc_codes, c));
        }
        if (outputs.image != nullptr) {
          const std::int32_t light = mix(
            vertices[corners[0]].light, vertices[corners[1]].light, vertices[corners[2]].light);
          const std::int32_t color =
            face.colors != nullptr ? mix_channel(face.colors, c) : shading.color[c];
          std::uint8_t & target = outputs.image[3 * pixel + c];
          target = blend(target, lit(color, light), opacity_256);
        }
      }
    }
  }
}

void ExactPath::test_visibility(
  const Topology & topology, const Face & face, std::int32_t index, const PixelBox & box,
  const Outputs & outputs) const
{
  const PlacedVertex * vertices =
    placed_.data() + static_cast<std::size_t>(index) * topology.vertex_count;
  const std::int64_t stride = box.width();
  mark_visible(
    topology, face, box, outputs, index,
    [&](std::size_t i) { return vertices[i].drawable && vertices[i].front; },
    [&](std::size_t i) { return vertices[i].nearness; },
    [&](std::int64_t x, std::int64_t y) {
      return nearness_[static_cast<std::size_t>((y - box.y0) * stride + x - box.x0)];
    });
}

void ExactPath::draw(
  const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
  const Outputs & outputs)
{
  const LightModel light(shading);
  placed_.resize(faces.size() * topology.vertex_count);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    place(
      topology, faces[f], outputs.image != nullptr ? &light : nullptr,
      placed_.data() + f * topology.vertex_count);
  }
  const PixelBox box = extent(outputs);
  const auto slots = static_cast<std::size_t>(box.area());
  nearness_.assign(slots, kNothing);
  painter_.resize(slots);
  owner_.resize(slots);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    rasterise(topology, static_cast<std::int32_t>(f), box);
  }
  if (outputs.depth_m != nullptr) {
    std::fill_n(outputs.depth_m, outputs.pixel_count(), std::numeric_limits<float>::quiet_NaN());
  }
  if (outputs.pncc != nullptr) {
    std::fill_n(outputs.pncc, 3 * outputs.pixel_count(), std::uint8_t{0});
  }
  if (slots != 0) {
    resolve(topology, faces, shading, outputs, box);
  }
  if (outputs.visibility != nullptr) {
    for (std::size_t f = 0; f < faces.size(); ++f) {
      test_visibility(topology, faces[f], static_cast<std::int32_t>(f), box, outputs);
    }
  }
}

}  // namespace face_recon
