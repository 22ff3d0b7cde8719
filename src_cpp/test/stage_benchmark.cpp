// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// How long each stage of drawing and decoding takes, and what it moves; run.sh stages builds it.
//
//   stage_benchmark [instruction set]
//
// The mesh is an egg of 38,400 vertices, front half and a rim as of a face model; times are the
// least of many runs, on one thread. "copy" is what memcpy takes for as many bytes, half of them
// read and half written, in a working set of that size: the floor that memory sets.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../decoder.hpp"
#include "../kernels.hpp"
#include "../screen_space.hpp"
#include "../shading.hpp"
#include "../topology.hpp"

namespace
{

using namespace face_recon;

template <typename Work>
double least_us(Work work)
{
  double least = 1e30;
  for (int run = 0; run < 60; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - begin;
    least = std::min(least, time.count());
  }
  return least;
}

double copy_us(std::size_t bytes)
{
  std::vector<char> from(bytes / 2, 1), to(bytes / 2, 2);
  return least_us([&] { std::memcpy(to.data(), from.data(), to.size()); });
}

void print(const char * stage, double us, std::size_t bytes)
{
  std::printf(
    "  %-28s %8.1f us   %7.2f MB  %6.1f GB/s   copy %7.1f us\n", stage, us,
    static_cast<double>(bytes) * 1e-6, static_cast<double>(bytes) / us * 1e-3, copy_us(bytes));
}

constexpr int kRows = 192, kColumns = 200;

std::vector<std::int32_t> egg_triangles()
{
  std::vector<std::int32_t> triangles;
  for (int i = 0; i + 1 < kRows; ++i) {
    for (int j = 0; j + 1 < kColumns; ++j) {
      const int a = i * kColumns + j, c = a + kColumns;
      triangles.insert(triangles.end(), {a, c, a + 1, a + 1, c, c + 1});
    }
  }
  return triangles;
}

// Height in pixels; centred on (cx, cy).
std::vector<float> egg_vertices(float height, float cx, float cy)
{
  std::vector<float> vertices;
  for (int i = 0; i < kRows; ++i) {
    const float polar = 0.15F + 2.84F * static_cast<float>(i) / (kRows - 1);
    for (int j = 0; j < kColumns; ++j) {
      const float around = -1.75F + 3.5F * static_cast<float>(j) / (kColumns - 1);
      vertices.push_back(cx + 0.4F * height * std::sin(polar) * std::sin(around));
      vertices.push_back(cy - 0.5F * height * std::cos(polar));
      vertices.push_back(0.4F * height * std::sin(polar) * std::cos(around));
    }
  }
  return vertices;
}

void time_drawing(const Kernels & kernels, const Topology & topology, int height, int w, int h)
{
  const std::vector<float> vertices =
    egg_vertices(static_cast<float>(height), static_cast<float>(w) / 2, static_cast<float>(h) / 2);
  const auto count = static_cast<std::size_t>(topology.required_vertices);
  const std::size_t padded = topology.source_vertex.size();
  std::vector<std::int32_t> xy(padded), left_over(3 * topology.triangle_count());
  std::vector<std::uint32_t> surface(padded);

  PlaceArguments place{};
  place.vertices = vertices.data();
  place.points = topology.points.data();
  place.last = padded;
  place.readable_beyond = topology.readable_beyond;
  const Bounds bounds = kernels.bounds(vertices.data(), count);
  const auto x0 = static_cast<std::int32_t>(std::floor(bounds.low[0]));
  const auto y0 = static_cast<std::int32_t>(std::floor(bounds.low[1]));
  place.origin_x = x0 * kSubpixels;
  place.origin_y = y0 * kSubpixels;
  const float scale = static_cast<float>(kKeyRange) / (bounds.high[2] - bounds.low[2]);
  place.key_from[2] = scale;
  place.key_from[3] = static_cast<float>(kKeyMargin) - bounds.low[2] * scale;
  const LightModel light{Shading{}};
  std::copy_n(light.towards_light.begin(), 3, place.towards_light);
  std::copy_n(light.halfway.begin(), 3, place.halfway);
  place.ambient = light.ambient;
  place.diffuse = light.diffuse;
  place.specular = light.specular;
  place.xy = xy.data();
  place.surface = surface.data();

  const PixelBox box = pixels_of(
    snap(bounds.low[0]), snap(bounds.low[1]), snap(bounds.high[0]), snap(bounds.high[1]),
    {0, 0, w - 1, h - 1});
  const std::int64_t stride = box.width() + 8;
  std::vector<std::uint32_t> pixels(
    static_cast<std::size_t>(stride * (box.height() + kBlockSide - 1)));
  RasterArguments raster{};
  for (std::size_t c = 0; c < 4; ++c) {
    raster.corner[c] = topology.corner[c].data();
  }
  raster.last = topology.corner[0].size();
  raster.xy = xy.data();
  raster.surface = surface.data();
  raster.buffer = {
    pixels.data(),
    stride,
    static_cast<std::int32_t>(box.x0) - x0,
    static_cast<std::int32_t>(box.y0) - y0,
    static_cast<std::int32_t>(box.x1) - x0,
    static_cast<std::int32_t>(box.y1) - y0,
    x0 - static_cast<std::int32_t>(box.x0),
    y0 - static_cast<std::int32_t>(box.y0)};
  raster.left_over = left_over.data();
  std::vector<std::uint8_t> image(3 * static_cast<std::size_t>(w) * static_cast<std::size_t>(h));
  const ShadeArguments shade{Shading{}.color, 256};
  const auto shade_all = [&] {
    for (std::int64_t y = box.y0; y <= box.y1; ++y) {
      kernels.shade_row(
        pixels.data() + (y - box.y0) * stride,
        image.data() + 3 * static_cast<std::size_t>(y * w + box.x0),
        static_cast<std::size_t>(box.width()), 0, shade);
    }
  };

  const double bounds_us = least_us([&] { kernels.bounds(vertices.data(), count); });
  const double place_us = least_us([&] { kernels.place(place); });
  place.with_light = true;
  const double lit_us = least_us([&] { kernels.place(place); });
  const double clear_us = least_us([&] { std::memset(pixels.data(), 0, 4 * pixels.size()); });
  double raster_us = 1e30;
  for (int run = 0; run < 60; ++run) {
    std::memset(pixels.data(), 0, 4 * pixels.size());
    raster.left_over_count = 0;
    const auto begin = std::chrono::steady_clock::now();
    kernels.rasterise(raster);
    const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - begin;
    raster_us = std::min(raster_us, time.count());
  }
  const auto covered = static_cast<std::size_t>(
    std::count_if(pixels.begin(), pixels.end(), [](std::uint32_t word) { return word != 0; }));
  const double shade_us = least_us(shade_all);
  const std::size_t index_bytes = 4 * topology.points.size();
  const std::size_t box_pixels = static_cast<std::size_t>(box.area());
  std::printf(
    "face of %d px in %d x %d: %zu triangles, %zu pixels covered, %zu left over\n", height, w, h,
    topology.triangle_count(), covered, raster.left_over_count);
  print("bounds", bounds_us, 12 * count);
  print("snap, depth key", place_us, 12 * count + index_bytes / 5 + 8 * padded);
  print("snap, depth key, light", lit_us, 12 * count + index_bytes + 8 * padded);
  print(
    "sort and draw triangles", raster_us,
    8 * topology.triangle_count() + 8 * padded + 8 * covered);
  print("shade", shade_us, 4 * box_pixels + 3 * covered);
  print("clear", clear_us, 4 * pixels.size());
  std::printf(
    "  %-28s %8.1f us   %.1f ns a triangle, %.1f ns a covered pixel\n", "sum",
    bounds_us + lit_us + raster_us + shade_us + clear_us,
    raster_us * 1e3 / static_cast<double>(topology.triangle_count()),
    raster_us * 1e3 / static_cast<double>(covered));
}

// mirrored: as the left and right halves of a face.
void time_decoding(const Kernels & kernels, bool mirrored)
{
  constexpr std::size_t kVertices = 38400, kShape = 40, kExpression = 10;
  std::vector<float> mean(3 * kVertices, 0.05F), shape_step(kShape, 1e-7F), shape(kShape, 0.5F);
  std::vector<float> expression_step(kExpression, 1e-7F), expression(kExpression, 0.5F);
  std::vector<std::int16_t> shape_basis(kShape * 3 * kVertices, 1000);
  std::vector<std::int16_t> expression_basis(kExpression * 3 * kVertices, 1000);
  for (std::size_t v = 0; v < kVertices; ++v) {
    const bool left = v < kVertices / 2;
    mean[3 * v] = left || !mirrored ? 0.01F : -0.01F;
    mean[3 * v + 1] = static_cast<float>(left ? v : kVertices - 1 - v);
    if (mirrored && !left) {
      for (std::size_t k = 0; k < kShape; ++k) {
        shape_basis[3 * (k * kVertices + v)] = -1000;
      }
      for (std::size_t k = 0; k < kExpression; ++k) {
        expression_basis[3 * (k * kVertices + v)] = -1000;
      }
    }
  }
  const Decoder decoder(
    mean.data(), kVertices, {shape_basis.data(), shape_step.data(), kShape},
    {expression_basis.data(), expression_step.data(), kExpression}, kernels.name);
  std::vector<float> out(3 * kVertices);
  const std::array<float, 12> camera{1000, 0, 0, 320, 0, -1000, 0, 240, 0, 0, 1000, 0};
  const double us =
    least_us([&] { decoder.decode(camera, shape.data(), expression.data(), out.data()); });
  // What other work in between leaves of the caches: little.
  std::vector<char> elsewhere(96 << 20, 1);
  double cold_us = 0.0;
  constexpr int kRuns = 15;
  for (int run = 0; run < kRuns; ++run) {
    for (std::size_t i = 0; i < elsewhere.size(); i += 64) {
      ++elsewhere[i];
    }
    const auto begin = std::chrono::steady_clock::now();
    decoder.decode(camera, shape.data(), expression.data(), out.data());
    const std::chrono::duration<double, std::micro> time =
      std::chrono::steady_clock::now() - begin;
    cold_us += time.count() / kRuns;
  }
  const std::size_t kept = decoder.is_symmetric() ? kVertices / 2 : kVertices;
  const std::size_t bytes = 2 * 3 * kept * (kShape + kExpression) + 12 * kept + 12 * kVertices;
  std::printf(
    "dense decode of %zu vertices, %zu components, %s\n", kVertices, kShape + kExpression,
    decoder.is_symmetric() ? "mirror-symmetric" : "not symmetric");
  print("basis in cache", us, bytes);
  print("basis in memory", cold_us, bytes);
}

}  // namespace

int main(int count, char ** arguments)
{
  try {
    const Kernels & kernels = kernels_named(count > 1 ? arguments[1] : "auto");
    std::printf("instruction set: %s\n", kernels.name);
    const std::vector<std::int32_t> triangles = egg_triangles();
    const Topology topology = analyse_topology(triangles.data(), triangles.size() / 3);
    time_drawing(kernels, topology, 150, 640, 480);
    time_drawing(kernels, topology, 250, 640, 480);
    time_drawing(kernels, topology, 400, 640, 480);
    time_drawing(kernels, topology, 600, 1280, 720);
    time_drawing(kernels, topology, 900, 1920, 1080);
    time_decoding(kernels, false);
    time_decoding(kernels, true);
  } catch (const std::invalid_argument & error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
