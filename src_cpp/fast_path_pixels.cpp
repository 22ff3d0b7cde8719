// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// FastPath, from surface words to the caller's pixels.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "fast_path.hpp"
#include "visibility.hpp"

namespace face_recon
{
namespace
{

// A channel as stored at vertices and pixels: kChannelUnit per step of 1, kept off both ends of the
// 16 bits, like light.
constexpr int kChannelBits = 7;
constexpr std::int32_t kChannelUnit = 1 << kChannelBits;
constexpr std::int32_t kChannelOffset = 512;

std::int32_t channel_of(std::uint32_t word)
{
  const std::int32_t stored = static_cast<std::int32_t>(word & 0xffffU) - kChannelOffset;
  return std::clamp((stored + kChannelUnit / 2) >> kChannelBits, 0, 255);
}

}  // namespace

std::array<double, 4> FastPath::nearness_plane(const Face & face)
{
  if (!face.has_depth_plane) {
    return {0.0, 0.0, 1.0, 0.0};
  }
  const auto & depth = face.depth_plane;
  return {-double{depth[0]}, -double{depth[1]}, -double{depth[2]}, -double{depth[3]}};
}

float FastPath::DepthKeys::nearness(std::uint32_t word) const
{
  const auto key = static_cast<double>(word >> kDepthBits);
  return static_cast<float>(farthest + (key - kKeyMargin) / scale);
}

// Rows of the box into the first buffer; the others are left as they are.
void FastPath::merge_rows(
  Surface & surface, std::int64_t first, std::int64_t last, std::size_t parts) const
{
  for (std::size_t part = 1; part < parts; ++part) {
    for (std::int64_t i = first * stride_; i < last * stride_; ++i) {
      const auto pixel = static_cast<std::size_t>(i);
      surface[0][pixel] = std::max(surface[0][pixel], surface[part][pixel]);
    }
  }
}

void FastPath::clear(const Job & job, Surface & surface)
{
  workers_.run(job.parts, [&](std::size_t part) {
    std::memset(surface[part].data(), 0, job.words * sizeof(std::uint32_t));
  });
}

// Rows of the box.
void FastPath::resolve_rows(
  const Shading & shading, const Outputs & outputs, const PixelBox & box, bool in_one_color,
  std::int64_t first_row, std::int64_t last_row) const
{
  const ShadeArguments shade{
    shading.color, static_cast<std::int32_t>(shading.opacity * 256.0F + 0.5F)};
  const float base =
    static_cast<float>(-keys_.farthest + static_cast<double>(kKeyMargin) / keys_.scale);
  const auto step = static_cast<float>(-1.0 / keys_.scale);
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  const auto columns = static_cast<std::size_t>(box.width());
  const auto width = static_cast<std::size_t>(outputs.width);
  for (std::int64_t y = box.y0 + first_row; y < box.y0 + last_row; ++y) {
    const std::uint32_t * words = pixels_[0].data() + (y - box.y0) * stride_;
    const std::size_t row = static_cast<std::size_t>(y) * width;
    const std::size_t first = row + static_cast<std::size_t>(box.x0);
    if (outputs.image != nullptr && in_one_color) {
      kernels_->shade_row(
        words, outputs.image + 3 * first, columns, 3 * (outputs.pixel_count() - first - columns),
        shade);
    }
    if (outputs.depth_m != nullptr) {
      std::fill(outputs.depth_m + row, outputs.depth_m + first, nothing);
      kernels_->depth_row(words, outputs.depth_m + first, columns, base, step);
      std::fill(outputs.depth_m + first + columns, outputs.depth_m + row + width, nothing);
    }
  }
}

void FastPath::fill_around(const Outputs & outputs, const PixelBox & box)
{
  const auto width = static_cast<std::size_t>(outputs.width);
  const std::size_t first = static_cast<std::size_t>(box.y0) * width;
  const std::size_t last = static_cast<std::size_t>(box.y1 + 1) * width;
  if (outputs.depth_m != nullptr) {
    const float nothing = std::numeric_limits<float>::quiet_NaN();
    std::fill_n(outputs.depth_m, first, nothing);
    std::fill(outputs.depth_m + last, outputs.depth_m + outputs.pixel_count(), nothing);
  }
  if (outputs.pncc != nullptr) {
    std::fill_n(outputs.pncc, 3 * first, std::uint8_t{0});
    std::fill(outputs.pncc + 3 * last, outputs.pncc + 3 * outputs.pixel_count(), std::uint8_t{0});
  }
}

// The low halves of the placed vertices' words, which are empty.
void FastPath::put_channel(const Topology & topology, const Face & face, const Channel & channel)
{
  const std::uint8_t * values = channel.codes != nullptr ? channel.codes : face.colors;
  for (std::size_t i = 0; i < surface_.size(); ++i) {
    const std::int32_t level =
      values != nullptr
        ? values[3 * static_cast<std::size_t>(topology.source_vertex[i]) + channel.index]
        : channel.color[channel.index];
    surface_[i] |= static_cast<std::uint32_t>(level * kChannelUnit + kChannelOffset);
  }
}

void FastPath::draw_channels(
  const Topology & topology, const std::vector<Face> & faces, const Shading & shading,
  const LightModel & light, const Outputs & outputs, const Job & job)
{
  const auto draw = [&](const Channel & channel, auto resolve) {
    draw_surface(topology, faces, light, job, false, &channel, channel_pixels_);
    for_rows(job, [&](std::int64_t first, std::int64_t last) {
      merge_rows(channel_pixels_, first, last, job.parts);
      resolve(first, last);
    });
    clear(job, channel_pixels_);
  };
  const bool in_colors =
    outputs.image != nullptr &&
    std::any_of(faces.begin(), faces.end(), [](const Face & face) { return face.colors; });
  for (std::size_t c = 0; c < 3; ++c) {
    if (outputs.pncc != nullptr) {
      draw({outputs.pncc_codes, {}, c}, [&](std::int64_t first, std::int64_t last) {
        resolve_codes(outputs, job.box, c, first, last);
      });
    }
    if (in_colors) {
      draw({nullptr, shading.color, c}, [&](std::int64_t first, std::int64_t last) {
        resolve_colors(shading, outputs, job.box, c, first, last);
      });
    }
  }
}

void FastPath::resolve_codes(
  const Outputs & outputs, const PixelBox & box, std::size_t channel, std::int64_t first_row,
  std::int64_t last_row) const
{
  const auto columns = static_cast<std::size_t>(box.width());
  const auto width = static_cast<std::size_t>(outputs.width);
  for (std::int64_t y = box.y0 + first_row; y < box.y0 + last_row; ++y) {
    const std::uint32_t * words = channel_pixels_[0].data() + (y - box.y0) * stride_;
    const std::size_t row = static_cast<std::size_t>(y) * width;
    const std::size_t first = row + static_cast<std::size_t>(box.x0);
    if (channel == 0) {
      std::fill(outputs.pncc + 3 * row, outputs.pncc + 3 * first, std::uint8_t{0});
      std::fill(
        outputs.pncc + 3 * (first + columns), outputs.pncc + 3 * (row + width), std::uint8_t{0});
    }
    std::uint8_t * out = outputs.pncc + 3 * first + channel;
    for (std::size_t x = 0; x < columns; ++x) {
      out[3 * x] = static_cast<std::uint8_t>(channel_of(words[x]));
    }
  }
}

void FastPath::resolve_colors(
  const Shading & shading, const Outputs & outputs, const PixelBox & box, std::size_t channel,
  std::int64_t first_row, std::int64_t last_row) const
{
  const auto opacity_256 = static_cast<std::int32_t>(shading.opacity * 256.0F + 0.5F);
  const auto columns = static_cast<std::size_t>(box.width());
  const auto width = static_cast<std::size_t>(outputs.width);
  for (std::int64_t y = box.y0 + first_row; y < box.y0 + last_row; ++y) {
    const std::int64_t start = (y - box.y0) * stride_;
    const std::uint32_t * colors = channel_pixels_[0].data() + start;
    const std::uint32_t * lights = pixels_[0].data() + start;
    const std::size_t first =
      static_cast<std::size_t>(y) * width + static_cast<std::size_t>(box.x0);
    std::uint8_t * out = outputs.image + 3 * first + channel;
    // In runs without branches, which compilers make registers of.
    constexpr std::size_t kRun = 64;
    std::int32_t over[kRun];
    for (std::size_t run = 0; run < columns; run += kRun) {
      const std::size_t count = std::min(kRun, columns - run);
      for (std::size_t k = 0; k < count; ++k) {
        const auto light = static_cast<std::int32_t>(lights[run + k] & 0xffffU);
        over[k] = lit(channel_of(colors[run + k]), light);
      }
      for (std::size_t k = 0; k < count; ++k) {
        std::uint8_t & target = out[3 * (run + k)];
        target = colors[run + k] != 0 ? blend(target, over[k], opacity_256) : target;
      }
    }
  }
}

void FastPath::test_visibility(
  const Topology & topology, const std::vector<Face> & faces, const PixelBox & box,
  const Outputs & outputs)
{
  for (std::size_t f = 0; f < faces.size(); ++f) {
    const Face & face = faces[f];
    const std::array<double, 4> plane = nearness_plane(face);
    front_.assign(topology.vertex_count, 0);
    nearness_.resize(topology.vertex_count);
    snapped_.resize(topology.vertex_count);
    for (std::size_t i = 0; i < topology.vertex_count; ++i) {
      const float * xyz = face.vertices + topology.point(i);
      nearness_[i] =
        static_cast<float>(plane[0] * xyz[0] + plane[1] * xyz[1] + plane[2] * xyz[2] + plane[3]);
      snapped_[i] = {snap(xyz[0]), snap(xyz[1])};
    }
    for (std::size_t t = 0; t < topology.triangle_count(); ++t) {
      const std::size_t p = topology.vertex_of(t, 0);
      const std::size_t q = topology.vertex_of(t, 1);
      const std::size_t r = topology.vertex_of(t, 2);
      if (doubled_area(snapped_[p], snapped_[q], snapped_[r]) > 0) {
        front_[p] = front_[q] = front_[r] = 1;
      }
    }
    mark_visible(
      topology, face, box, outputs, static_cast<std::int64_t>(f),
      [&](std::size_t i) { return front_[i] != 0; }, [&](std::size_t i) { return nearness_[i]; },
      [&](std::int64_t x, std::int64_t y) {
        const std::uint32_t word =
          pixels_[0][static_cast<std::size_t>((y - box.y0) * stride_ + x - box.x0)];
        return word == 0 ? kNothing : keys_.nearness(word);
      });
  }
}

}  // namespace face_recon
