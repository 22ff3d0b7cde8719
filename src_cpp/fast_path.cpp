// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "fast_path.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "screen_space.hpp"

namespace face_recon
{
namespace
{

// Kernels address pixels by 32-bit integers.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 29;

// Below this much surface another thread costs more to wake than it saves.
constexpr std::int64_t kPixelsWorthThreads = 30000;

SnappedPoint unpacked(std::int32_t xy)
{
  return {static_cast<std::int16_t>(xy & 0xffff), xy >> 16};
}

}  // namespace

bool FastPath::find_windows(
  const std::vector<Face> & faces, const Topology & topology, const Outputs & outputs)
{
  windows_.clear();
  for (const Face & face : faces) {
    Window window;
    window.bounds =
      kernels_->bounds(face.vertices, static_cast<std::size_t>(topology.required_vertices));
    if (!window.bounds.usable) {
      return false;
    }
    const float * low = window.bounds.low;
    const float * high = window.bounds.high;
    window.origin_x = static_cast<std::int32_t>(std::floor(low[0]));
    window.origin_y = static_cast<std::int32_t>(std::floor(low[1]));
    const std::int32_t x1 = snap(high[0]), y1 = snap(high[1]);
    if (
      x1 - window.origin_x * kSubpixels > kWindowExtent ||
      y1 - window.origin_y * kSubpixels > kWindowExtent) {
      return false;
    }
    window.box = pixels_of(snap(low[0]), snap(low[1]), x1, y1, outputs.all());
    windows_.push_back(window);
  }
  return true;
}

bool FastPath::find_keys(const std::vector<Face> & faces)
{
  double farthest = std::numeric_limits<double>::infinity(), nearest = -farthest;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    const std::array<double, 4> plane = nearness_plane(faces[f]);
    double low = plane[3], high = plane[3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double at_low = plane[axis] * double{windows_[f].bounds.low[axis]};
      const double at_high = plane[axis] * double{windows_[f].bounds.high[axis]};
      low += std::min(at_low, at_high);
      high += std::max(at_low, at_high);
    }
    farthest = std::min(farthest, low);
    nearest = std::max(nearest, high);
  }
  const double magnitude = std::max(std::fabs(farthest), std::fabs(nearest));
  // Flat faces have no range of their own; single precision tells no more than this apart.
  const double range = std::max(nearest - farthest, 1e-6 * magnitude + 1e-30);
  keys_ = {farthest, kKeyRange / range};
  return std::isfinite(range) && range < 1e30;
}

PlaceArguments FastPath::place_arguments(
  const Topology & topology, const Face & face, const Window & window, const LightModel & light,
  bool with_light)
{
  PlaceArguments arguments{};
  arguments.vertices = face.vertices;
  arguments.points = topology.points.data();
  arguments.readable_beyond = topology.readable_beyond;
  arguments.origin_x = window.origin_x * kSubpixels;
  arguments.origin_y = window.origin_y * kSubpixels;
  const std::array<double, 4> plane = nearness_plane(face);
  for (std::size_t k = 0; k < 3; ++k) {
    arguments.key_from[k] = static_cast<float>(plane[k] * keys_.scale);
  }
  arguments.key_from[3] =
    static_cast<float>((plane[3] - keys_.farthest) * keys_.scale + kKeyMargin);
  arguments.with_light = with_light;
  std::copy_n(light.towards_light.begin(), 3, arguments.towards_light);
  std::copy_n(light.halfway.begin(), 3, arguments.halfway);
  arguments.ambient = light.ambient;
  arguments.diffuse = light.diffuse;
  arguments.specular = light.specular;
  arguments.xy = xy_.data();
  arguments.surface = surface_.data();
  return arguments;
}

SurfaceBuffer FastPath::surface_buffer(
  const Window & window, const PixelBox & box, std::vector<std::uint32_t> & pixels,
  std::int64_t stride)
{
  SurfaceBuffer buffer{};
  buffer.pixels = pixels.data();
  buffer.stride = stride;
  const auto in_window = [](std::int64_t pixel, std::int32_t origin) {
    return static_cast<std::int32_t>(pixel - origin);
  };
  buffer.x0 = in_window(window.box.x0, window.origin_x);
  buffer.x1 = in_window(window.box.x1, window.origin_x);
  buffer.y0 = in_window(window.box.y0, window.origin_y);
  buffer.y1 = in_window(window.box.y1, window.origin_y);
  buffer.column_offset = -in_window(box.x0, window.origin_x);
  buffer.row_offset = -in_window(box.y0, window.origin_y);
  return buffer;
}

void FastPath::rasterise(
  const Topology & topology, const SurfaceBuffer & buffer, std::size_t part, std::size_t parts)
{
  const auto [first, last] = share(topology.corner[0].size(), part, parts);
  RasterArguments arguments{};
  for (std::size_t c = 0; c < 4; ++c) {
    arguments.corner[c] = topology.corner[c].data();
  }
  arguments.first = first;
  arguments.last = last;
  arguments.xy = xy_.data();
  arguments.surface = surface_.data();
  arguments.buffer = buffer;
  // Two triangles a pair, three corners each.
  arguments.left_over = left_over_.data() + 6 * first;
  kernels_->rasterise(arguments);
  draw_left_over(buffer, arguments.left_over, arguments.left_over_count);
}

void FastPath::draw_left_over(
  const SurfaceBuffer & buffer, const std::int32_t * corners, std::size_t triangles)
{
  const PixelBox limits{buffer.x0, buffer.y0, buffer.x1, buffer.y1};
  for (std::size_t k = 0; k < triangles; ++k) {
    SnappedPoint at[3];
    double key[3], light[3];
    for (std::size_t c = 0; c < 3; ++c) {
      const auto v = static_cast<std::size_t>(corners[3 * k + c]);
      at[c] = unpacked(xy_[v]);
      key[c] = static_cast<double>(surface_[v] >> kDepthBits);
      light[c] = static_cast<double>(surface_[v] & 0xffffU);
    }
    for_each_pixel(
      at[0], at[1], at[2], limits,
      [&](std::int64_t x, std::int64_t y, double weight_q, double weight_r) {
        const auto mix = [&](const double (&values)[3]) {
          return static_cast<std::uint32_t>(
            values[0] + weight_q * (values[1] - values[0]) + weight_r * (values[2] - values[0]) +
            0.5);
        };
        std::uint32_t & pixel =
          buffer.pixels[(y + buffer.row_offset) * buffer.stride + x + buffer.column_offset];
        pixel = std::max(pixel, (mix(key) << kDepthBits) + mix(light));
      });
  }
}

std::array<std::size_t, 2> FastPath::share(std::size_t count, std::size_t part, std::size_t parts)
{
  const auto edge = [&](std::size_t p) {
    return p == parts ? count : count * p / parts / Topology::kBatch * Topology::kBatch;
  };
  return {edge(part), edge(part + 1)};
}

bool FastPath::find_job(const Outputs & outputs, Job & job)
{
  PixelBox box{outputs.width, outputs.height, -1, -1};
  for (const Window & window : windows_) {
    if (!window.box.empty()) {
      box = {
        std::min(box.x0, window.box.x0), std::min(box.y0, window.box.y0),
        std::max(box.x1, window.box.x1), std::max(box.y1, window.box.y1)};
    }
  }
  if (box.empty() || box.area() > kMostPixels) {
    return false;
  }
  // Triangles are written in whole registers and blocks, beyond the box.
  stride_ = box.width() + static_cast<std::int64_t>(Topology::kBatch);
  job.box = box;
  job.words = static_cast<std::size_t>(stride_ * (box.height() + kBlockSide - 1));
  job.parts = box.area() >= kPixelsWorthThreads ? workers_.count() : 1;
  return true;
}

void FastPath::draw_surface(
  const Topology & topology, const std::vector<Face> & faces, const LightModel & light,
  const Job & job, bool with_light, const Channel * channel, Surface & surface)
{
  surface.resize(workers_.count());
  for (std::size_t part = 0; part < job.parts; ++part) {
    if (surface[part].size() < job.words) {
      surface[part].resize(job.words, 0);
    }
  }
  const std::size_t vertices = topology.source_vertex.size();
  xy_.resize(vertices);
  surface_.resize(vertices);
  left_over_.resize(3 * topology.triangle_count());
  for (std::size_t f = 0; f < faces.size(); ++f) {
    const Window & window = windows_[f];
    if (window.box.empty()) {
      continue;
    }
    const PlaceArguments place = place_arguments(topology, faces[f], window, light, with_light);
    workers_.run(job.parts, [&](std::size_t part) {
      PlaceArguments arguments = place;
      const auto [first, last] = share(vertices, part, job.parts);
      arguments.first = first;
      arguments.last = last;
      kernels_->place(arguments);
    });
    if (channel != nullptr) {
      put_channel(topology, faces[f], *channel);
    }
    workers_.run(job.parts, [&](std::size_t part) {
      rasterise(
        topology, surface_buffer(window, job.box, surface[part], stride_), part, job.parts);
    });
  }
}

bool FastPath::draw(
  const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
  const Outputs & outputs)
{
  Job job;
  if (
    faces.empty() || topology.triangle_count() == 0 || !find_windows(faces, topology, outputs) ||
    !find_keys(faces) || !find_job(outputs, job)) {
    return false;
  }
  const LightModel light(shading);
  const bool with_surface =
    outputs.image != nullptr || outputs.depth_m != nullptr || outputs.visibility != nullptr;
  if (with_surface) {
    draw_surface(topology, faces, light, job, outputs.image != nullptr, nullptr, pixels_);
    const bool in_one_color =
      std::none_of(faces.begin(), faces.end(), [](const Face & face) { return face.colors; });
    for_rows(job, [&](std::int64_t first, std::int64_t last) {
      merge_rows(pixels_, first, last, job.parts);
      resolve_rows(shading, outputs, job.box, in_one_color, first, last);
    });
  }
  fill_around(outputs, job.box);
  if (outputs.visibility != nullptr) {
    test_visibility(topology, faces, job.box, outputs);
  }
  draw_channels(topology, faces, shading, light, outputs, job);
  if (with_surface) {
    clear(job, pixels_);
  }
  return true;
}

}  // namespace face_recon
