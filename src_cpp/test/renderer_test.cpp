// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Tests and fuzzes renderer, decoder and what the node computes in C++ without Python; run.sh
// builds it, with sanitizers too.
//
//   renderer_test [rounds of fuzzing] [seed]
//
// Every round draws a random mesh - ordinary, degenerate, huge, negative, broken - with every
// instruction set, into arrays of exactly the right size, and holds the results against one
// another and coverage against a test of each pixel with each triangle.
#include "../renderer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../coarser_mesh.hpp"
#include "../crop.hpp"
#include "../decoder.hpp"
#include "../depth_alignment.hpp"
#include "../float_matrix.hpp"
#include "../screen_space.hpp"
#include "fuzzing.hpp"

namespace
{

using face_recon::Decoder;
using face_recon::Face;
using face_recon::Outputs;
using face_recon::Renderer;
using face_recon::Shading;
using face_recon_test::check;
using face_recon_test::Random;
using face_recon_test::Rounds;

struct Scene
{
  int width = 0, height = 0;
  std::vector<std::int32_t> triangles;
  std::vector<std::vector<float>> vertices;  // of each face
  std::vector<std::array<float, 4>> planes;
  std::vector<std::uint8_t> colors;
  bool per_vertex = false;
  bool with_pncc = false;
  Shading shading;

  std::size_t vertex_count() const { return vertices.empty() ? 0 : vertices.front().size() / 3; }
};

struct Pictures
{
  std::vector<std::uint8_t> image, pncc, visible;
  std::vector<float> depth;

  bool operator==(const Pictures & other) const
  {
    bool same = image == other.image && pncc == other.pncc && visible == other.visible &&
                depth.size() == other.depth.size();
    for (std::size_t i = 0; same && i < depth.size(); ++i) {
      same = depth[i] == other.depth[i] || (std::isnan(depth[i]) && std::isnan(other.depth[i]));
    }
    return same;
  }
};

void draw(Renderer & renderer, const Scene & scene, Pictures & pictures)
{
  const std::size_t pixels =
    static_cast<std::size_t>(scene.width) * static_cast<std::size_t>(scene.height);
  pictures.image.assign(3 * pixels, 77);
  pictures.depth.assign(pixels, -1.0F);
  pictures.pncc.assign(scene.with_pncc ? 3 * pixels : 0, 55);
  pictures.visible.assign(scene.vertices.size() * scene.vertex_count(), 9);
  std::vector<Face> faces;
  for (std::size_t f = 0; f < scene.vertices.size(); ++f) {
    Face face;
    face.vertices = scene.vertices[f].data();
    face.has_depth_plane = true;
    face.depth_plane = scene.planes[f];
    face.colors = scene.per_vertex ? scene.colors.data() : nullptr;
    faces.push_back(face);
  }
  Outputs outputs;
  outputs.width = scene.width;
  outputs.height = scene.height;
  outputs.image = pictures.image.data();
  outputs.depth_m = pictures.depth.data();
  outputs.pncc = scene.with_pncc ? pictures.pncc.data() : nullptr;
  outputs.pncc_codes = scene.colors.data();
  outputs.visibility = pictures.visible.data();
  outputs.visibility_stride = static_cast<std::int64_t>(scene.vertex_count());
  renderer.draw(faces, scene.shading, outputs);
}

// A pixel is covered when the exact edge functions of some front-facing triangle say so.
std::vector<char> covered(const Scene & scene)
{
  using face_recon::Edge;
  using face_recon::SnappedPoint;
  std::vector<char> result(
    static_cast<std::size_t>(scene.width) * static_cast<std::size_t>(scene.height), 0);
  for (const std::vector<float> & vertices : scene.vertices) {
    for (std::size_t t = 0; t < scene.triangles.size(); t += 3) {
      SnappedPoint corner[3];
      bool drawable = true;
      for (std::size_t k = 0; k < 3; ++k) {
        // Clockwise.
        const float * xyz = vertices.data() + 3 * std::ptrdiff_t{scene.triangles[t + (3 - k) % 3]};
        drawable = drawable && face_recon::is_drawable(xyz);
        corner[k] = drawable ? SnappedPoint{face_recon::snap(xyz[0]), face_recon::snap(xyz[1])}
                             : SnappedPoint{0, 0};
      }
      if (!drawable || face_recon::doubled_area(corner[0], corner[1], corner[2]) <= 0) {
        continue;
      }
      const Edge a(corner[0], corner[1]), b(corner[1], corner[2]), c(corner[2], corner[0]);
      for (int y = 0; y < scene.height; ++y) {
        for (int x = 0; x < scene.width; ++x) {
          if (a.at(x, y) >= 0 && b.at(x, y) >= 0 && c.at(x, y) >= 0) {
            result[static_cast<std::size_t>(y * scene.width + x)] = 1;
          }
        }
      }
    }
  }
  return result;
}

float odd_value(Random & random)
{
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float values[] = {
    std::numeric_limits<float>::quiet_NaN(),
    kInfinity,
    -kInfinity,
    1e30F,
    -1e30F,
    3e9F,
    -3e9F,
    1048576.0F,
    -1048576.0F,
    1048577.0F,
    std::numeric_limits<float>::max(),
    std::numeric_limits<float>::denorm_min(),
    -0.0F,
    2147483648.0F,
    65536.0F,
    -32768.5F};
  return values[random.integer(0, static_cast<int>(std::size(values)) - 1)];
}

// A grid bent into a bump: neighbours share edges, as in a face.
void add_grid(Scene & scene, Random & random, int faces)
{
  const int rows = random.integer(2, 14), columns = random.integer(2, 14);
  for (int i = 0; i + 1 < rows; ++i) {
    for (int j = 0; j + 1 < columns; ++j) {
      const int a = i * columns + j, c = a + columns;
      scene.triangles.insert(scene.triangles.end(), {a, c, a + 1, a + 1, c, c + 1});
    }
  }
  for (int f = 0; f < faces; ++f) {
    std::vector<float> vertices;
    const float step = std::pow(10.0F, random.real(-1.0F, 2.0F));
    const float x0 = random.real(-30.0F, 40.0F), y0 = random.real(-30.0F, 40.0F);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) {
        vertices.push_back(x0 + step * static_cast<float>(j) + random.real(-0.4F, 0.4F) * step);
        vertices.push_back(y0 + step * static_cast<float>(i) + random.real(-0.4F, 0.4F) * step);
        vertices.push_back(random.real(0.0F, 5.0F) * step);
      }
    }
    scene.vertices.push_back(vertices);
  }
}

void add_soup(Scene & scene, Random & random, int faces)
{
  const int vertices = random.integer(1, 60);
  for (int k = random.integer(0, 40) * 3; k > 0; --k) {
    scene.triangles.push_back(random.integer(0, vertices - 1));
  }
  for (int f = 0; f < faces; ++f) {
    std::vector<float> values;
    const float spread = std::pow(10.0F, random.real(-1.0F, 5.0F));
    const bool whole = random.chance(0.3);
    for (int k = 0; k < 3 * vertices; ++k) {
      const float value = 20.0F + random.real(-spread, spread);
      values.push_back(whole ? std::round(value) : value);
    }
    scene.vertices.push_back(values);
  }
}

Scene random_scene(Random & random)
{
  Scene scene;
  scene.width = random.chance(0.1) ? random.integer(0, 1) : random.integer(1, 70);
  scene.height = random.chance(0.1) ? random.integer(0, 1) : random.integer(1, 50);
  if (random.chance(0.02)) {
    // Enough to be shared among threads.
    scene.width = 300;
    scene.height = 200;
  }
  const int faces = random.chance(0.2) ? random.integer(0, 3) : 1;
  if (random.chance(0.6)) {
    add_grid(scene, random, faces);
  } else {
    add_soup(scene, random, faces);
  }
  for (std::vector<float> & vertices : scene.vertices) {
    if (random.chance(0.15)) {
      for (int k = random.integer(1, 6); k > 0 && !vertices.empty(); --k) {
        const int which = random.integer(0, static_cast<int>(vertices.size()) - 1);
        vertices[static_cast<std::size_t>(which)] = odd_value(random);
      }
    }
    scene.planes.push_back({0.0F, 0.0F, -0.001F, random.real(0.5F, 3.0F)});
  }
  scene.colors.resize(3 * scene.vertex_count());
  for (std::uint8_t & value : scene.colors) {
    value = static_cast<std::uint8_t>(random.integer(0, 255));
  }
  scene.per_vertex = random.chance(0.2);
  scene.with_pncc = random.chance(0.2);
  scene.shading.opacity = random.chance(0.5) ? 1.0F : random.real(0.0F, 1.0F);
  return scene;
}

void fuzz_renderer(Random & random, const std::string & name)
{
  const Scene scene = random_scene(random);
  const std::vector<char> expected = covered(scene);
  Pictures first;
  bool have_first = false;
  for (const std::string & set : face_recon::instruction_sets()) {
    for (const int threads : {1, 3}) {
      Renderer renderer(scene.triangles.data(), scene.triangles.size() / 3, set, threads);
      Pictures pictures;
      // Twice: nothing may be left over from the first.
      draw(renderer, scene, pictures);
      draw(renderer, scene, pictures);
      bool same_coverage = true;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        same_coverage = same_coverage && !std::isnan(pictures.depth[i]) == (expected[i] != 0);
        if (expected[i] == 0) {
          same_coverage = same_coverage && pictures.image[3 * i] == 77;
        }
      }
      check(same_coverage, name + ": coverage by " + set);
      bool flags = true;
      for (const std::uint8_t value : pictures.visible) {
        flags = flags && value <= 1;
      }
      check(flags, name + ": visibility by " + set);
      if (have_first) {
        check(pictures == first, name + ": " + set + " gives another picture");
      }
      first = pictures;
      have_first = true;
    }
  }
}

void fuzz_coarser(Random & random, const std::string & name)
{
  const Scene scene = random_scene(random);
  if (scene.vertices.empty() || scene.vertices[0].empty()) {
    return;
  }
  const std::vector<float> & vertices = scene.vertices[0];
  std::vector<face_recon::MeshTriangle> given(scene.triangles.size() / 3);
  for (std::size_t t = 0; t < given.size(); ++t) {
    std::copy_n(scene.triangles.data() + 3 * t, 3, given[t].begin());
  }
  const auto wanted = static_cast<std::size_t>(random.integer(0, 60));
  const auto found =
    face_recon::coarser_mesh(given, vertices.data(), scene.vertex_count(), wanted);
  check(found.size() <= given.size(), name + ": a coarser mesh has more triangles");
  std::vector<std::int32_t> triangles;
  for (const face_recon::MeshTriangle & triangle : found) {
    triangles.insert(triangles.end(), triangle.begin(), triangle.end());
  }
  Scene coarse = scene;
  coarse.triangles = triangles;
  const std::vector<char> expected = covered(coarse);
  Renderer renderer(
    triangles.data(), found.size(), "auto", 1, scene.triangles.data(), given.size());
  Pictures pictures;
  draw(renderer, coarse, pictures);
  bool same = true;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    same = same && !std::isnan(pictures.depth[i]) == (expected[i] != 0);
  }
  check(same, name + ": coverage of a coarser mesh");
}

void fuzz_decoder(Random & random, const std::string & name)
{
  const auto vertices = static_cast<std::size_t>(random.integer(0, 100));
  const auto shape_count = static_cast<std::size_t>(random.integer(0, 5));
  const auto expression_count = static_cast<std::size_t>(random.integer(0, 4));
  const auto basis = [&](std::size_t count) {
    std::vector<std::int16_t> values(count * vertices * 3);
    for (std::int16_t & value : values) {
      value =
        static_cast<std::int16_t>(random.chance(0.05) ? -32768 : random.integer(-32767, 32767));
    }
    return values;
  };
  const auto reals = [&](std::size_t count, float size) {
    std::vector<float> values(count);
    for (float & value : values) {
      value = random.chance(0.1) ? 0.0F : random.real(-size, size);
    }
    return values;
  };
  std::vector<std::int16_t> shape_basis = basis(shape_count);
  std::vector<std::int16_t> expression_basis = basis(expression_count);
  std::vector<float> mean(3 * vertices);
  for (float & value : mean) {
    // No zeros: two vertices at one place have no mirror image that is told apart.
    value = (random.chance(0.5) ? 1.0F : -1.0F) * random.real(0.001F, 0.1F);
  }
  const bool symmetric = random.chance(0.5);
  if (symmetric) {
    // Vertex v and the last but v are mirror images, one in the middle its own.
    const auto mirrored = [&](auto & values, std::size_t first, int sign) {
      for (std::size_t v = 0; v < (vertices + 1) / 2; ++v) {
        auto * here = &values[first + 3 * v];
        auto * there = &values[first + 3 * (vertices - 1 - v)];
        const bool middle = here == there;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          using Value = std::remove_reference_t<decltype(here[axis])>;
          const int factor = axis == 0 ? -sign : sign;
          if (here[axis] == std::numeric_limits<std::int16_t>::min()) {
            here[axis] = 5;  // has no opposite
          }
          if (middle && factor < 0) {
            here[axis] = 0;
          }
          there[axis] = static_cast<Value>(static_cast<Value>(factor) * here[axis]);
        }
      }
    };
    mirrored(mean, 0, 1);
    for (std::size_t k = 0; k < shape_count; ++k) {
      mirrored(shape_basis, 3 * vertices * k, random.chance(0.5) ? 1 : -1);
    }
    for (std::size_t k = 0; k < expression_count; ++k) {
      mirrored(expression_basis, 3 * vertices * k, random.chance(0.5) ? 1 : -1);
    }
  }
  const std::vector<float> shape_step = reals(shape_count, 1e-7F);
  const std::vector<float> expression_step = reals(expression_count, 1e-7F);
  const std::vector<float> shape = reals(shape_count, 3.0F);
  const std::vector<float> expression = reals(expression_count, 3.0F);
  std::array<float, 12> camera{};
  for (float & value : camera) {
    value = random.real(-3000.0F, 3000.0F);
  }
  std::vector<float> first;
  for (const std::string & set : face_recon::instruction_sets()) {
    const Decoder decoder(
      mean.data(), vertices, {shape_basis.data(), shape_step.data(), shape_count},
      {expression_basis.data(), expression_step.data(), expression_count}, set);
    check(
      vertices < 2 || decoder.is_symmetric() == symmetric,
      name + ": symmetry of " + std::to_string(vertices) + " vertices");
    std::vector<float> out(3 * vertices, -1.0F);
    decoder.decode(camera, shape.data(), expression.data(), out.data());
    double worst = 0.0;
    for (std::size_t v = 0; v < vertices; ++v) {
      double point[3];
      for (std::size_t axis = 0; axis < 3; ++axis) {
        point[axis] = mean[3 * v + axis];
        for (std::size_t k = 0; k < shape_count; ++k) {
          point[axis] +=
            double{shape[k]} * shape_step[k] * shape_basis[(k * vertices + v) * 3 + axis];
        }
        for (std::size_t k = 0; k < expression_count; ++k) {
          point[axis] += double{expression[k]} * expression_step[k] *
                         expression_basis[(k * vertices + v) * 3 + axis];
        }
      }
      for (std::size_t row = 0; row < 3; ++row) {
        const float * c = &camera[4 * row];
        const double expected = c[0] * point[0] + c[1] * point[1] + c[2] * point[2] + c[3];
        worst = std::max(worst, std::fabs(expected - out[3 * v + row]));
      }
    }
    check(worst < 0.01, name + ": decoder by " + set + " off by " + std::to_string(worst));
    check(first.empty() || first == out, name + ": decoder by " + set + " differs");
    first = out;
  }
}

// A paraboloid before the camera, seen by a depth image of any kind and layout, with anything in
// place of some numbers: nothing is read beside the arrays, and what is aligned is finite.
void fuzz_depth_alignment(Random & random, const std::string & name)
{
  const std::ptrdiff_t height = random.integer(1, 60), width = random.integer(1, 60);
  const auto unit = static_cast<face_recon::DepthUnit>(random.integer(0, 2));
  const std::ptrdiff_t item = unit == face_recon::DepthUnit::kMillimetres16 ? 2
                              : unit == face_recon::DepthUnit::kMetres32    ? 4
                                                                            : 8;
  const std::ptrdiff_t gap = random.integer(1, 3);
  const double distance = random.real(0.3F, 3.0F), focal = 0.3 * static_cast<double>(width) + 1;
  const bool broken = random.chance(0.5);
  const auto odd = [&](double value) {
    const double odds[] = {
      0.0,
      -1.0,
      1e300,
      -1e300,
      std::numeric_limits<double>::infinity(),
      std::numeric_limits<double>::quiet_NaN()};
    return broken && random.chance(0.02) ? odds[random.integer(0, 5)] : value;
  };
  std::vector<unsigned char> bytes(
    static_cast<std::size_t>((height * width - 1) * gap * item + item));
  face_recon::DepthView depth;
  depth.values = bytes.data();
  depth.unit = unit;
  depth.height = height;
  depth.width = width;
  depth.column_stride = gap * item;
  depth.row_stride = width * depth.column_stride;
  for (std::ptrdiff_t place = 0; place < height * width; ++place) {
    const double metres = odd(distance + random.real(0.0F, 0.02F));
    const auto millimetres = static_cast<std::uint16_t>(
      metres > 0 && metres < 60 ? std::lround(1000 * metres) : random.integer(0, 65535));
    const auto single = static_cast<float>(std::fabs(metres) > 1e30 ? 1e30 : metres);
    const void * value = item == 2   ? static_cast<const void *>(&millimetres)
                         : item == 4 ? static_cast<const void *>(&single)
                                     : static_cast<const void *>(&metres);
    std::memcpy(
      &bytes[static_cast<std::size_t>(place * gap * item)], value, static_cast<std::size_t>(item));
  }
  face_recon::SeenFace face;
  face.count = static_cast<std::size_t>(random.integer(0, 200));
  face.modes = static_cast<std::size_t>(random.integer(0, 5));
  std::vector<double> points, normals, pixels, rays, offsets;
  std::vector<float> moves;
  for (std::size_t n = 0; n < face.count; ++n) {
    for (std::size_t k = 0; k < face.modes; ++k) {
      moves.push_back(static_cast<float>(odd(random.real(-0.002F, 0.002F))));
    }
    offsets.push_back(odd(random.real(-0.002F, 0.002F)));
    const double x = random.real(-0.06F, 0.06F), y = random.real(-0.06F, 0.06F);
    const double length = std::sqrt(1 + 400 * (x * x + y * y));
    for (const double value : {x, y, -10 * (x * x + y * y)}) {
      points.push_back(odd(value));
    }
    for (const double value : {20 * x / length, 20 * y / length, 1 / length}) {
      normals.push_back(odd(value));
    }
    const double u = x / distance, v = -y / distance;
    pixels.push_back(odd(focal * u * 3 + static_cast<double>(width) / 2));
    pixels.push_back(odd(focal * v * 3 + static_cast<double>(height) / 2));
    for (const double value : {u, v, 1.0}) {
      rays.push_back(odd(value));
    }
  }
  face.points_m = points.data();
  face.normals = normals.data();
  face.pixels = pixels.data();
  face.rays = rays.data();
  face.moves_m = moves.data();
  face.offsets_m = offsets.data();
  face.noise_factor = odd(random.real(0.1F, 10.0F));
  face.rotation = {1, 0, 0, 0, -1, 0, 0, 0, -1};
  face.translation_m = {odd(0.0), odd(0.0), odd(random.real(0.5F, 2.0F) * distance)};
  face.head_scale = odd(1.0);
  face.rotation_covariance = {odd(0.01), 0, 0, 0, odd(0.01), 0, 0, 0, odd(0.01)};
  face.focal_length_px = odd(focal);
  const face_recon::Alignment found = face_recon::align(face, depth);
  if (found.outcome != face_recon::Outcome::kAligned) {
    return;
  }
  bool finite = std::isfinite(found.head_scale) && std::isfinite(found.residual_m);
  for (const double value : found.covariance) {
    finite = finite && std::isfinite(value);
  }
  for (const double value : found.translation_m) {
    finite = finite && std::isfinite(value);
  }
  check(finite, name + ": an aligned face is finite");
  const std::size_t sizes = found.relief_vector.empty() ? 0 : 1 + face.modes;
  check(
    found.relief_vector.size() == sizes && found.relief_information.size() == sizes * sizes,
    name + ": equations of size and shape");
  const double off = std::fabs(found.centre_m[2] - distance);
  check(broken || off < 0.1, name + ": aligned " + std::to_string(off) + " m off");
}

// A map's number: mostly near, now and then far or none.
double map_number(Random & random, double low, double high)
{
  if (random.chance(0.98)) {
    return random.real(low, high);
  }
  constexpr std::array<double, 4> kOdd = {
    1e9, -1e300, std::numeric_limits<double>::infinity(),
    std::numeric_limits<double>::quiet_NaN()};
  return kOdd[random.integer<std::size_t>(0, kOdd.size() - 1)];
}

// Images of a few pixels, whose rows are apart or upside down, in memory that ends with them.
void fuzz_crop(Random & random, const std::string & name)
{
  const auto width = random.integer<std::int32_t>(1, 40);
  const auto height = random.integer<std::int32_t>(1, 40);
  const std::int64_t row_bytes = 3 * std::int64_t{width} + random.integer(0, 4);
  const std::int64_t last_row = (height - 1) * row_bytes;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(last_row + std::int64_t{3} * width));
  for (std::uint8_t & pixel : pixels) {
    pixel = static_cast<std::uint8_t>(random.integer(0, 255));
  }
  face_recon::BgrImage image = {pixels.data(), row_bytes, width, height};
  if (random.chance(0.3)) {
    image.pixels += last_row;
    image.row_bytes = -row_bytes;
  }
  std::array<double, 9> map = {0, 0, 0, 0, 0, 0, 0, 0, 1};
  for (std::size_t k = 0; k < 6; ++k) {
    map[k] = k % 3 == 2 ? map_number(random, -10, 40) : map_number(random, -1.5, 1.5);
  }
  if (random.chance(0.5)) {
    map[6] = map_number(random, -0.05, 0.05);
    map[7] = map_number(random, -0.05, 0.05);
    map[8] = map_number(random, -1, 2);
  }
  const face_recon::CropSize size = {
    random.integer<std::size_t>(face_recon::kLeastCrop, 40),
    random.integer<std::size_t>(face_recon::kLeastCrop, 40)};
  const double sigma_px = random.chance(0.5) ? random.real(0.5, 2.0) : 0.0;
  std::vector<float> expected;
  for (const face_recon::Kernels * kernels : face_recon::available_kernels()) {
    std::vector<float> crop(3 * size.width * size.height, -1.0F);
    face_recon::crop(image, map, size, sigma_px, 1.0F, *kernels, crop.data());
    bool grey = true;
    for (const float value : crop) {
      grey = grey && value >= 0 && value < 255.01F;
    }
    check(grey, name + ": a crop has values of its image or black");
    check(expected.empty() || crop == expected, name + ": crops of " + kernels->name + " differ");
    expected = crop;
  }
}

// Matrices of every size; each product held to double precision.
void fuzz_products(Random & random, const std::string & name)
{
  const auto rows = random.integer<std::size_t>(1, 20);
  const auto columns = random.integer<std::size_t>(1, 70);
  std::vector<double> values(rows * columns);
  std::vector<double> vector(columns);
  for (auto * numbers : {&values, &vector}) {
    for (double & number : *numbers) {
      number = random.real(-1.0, 1.0);
    }
  }
  std::vector<float> expected;
  for (const face_recon::Kernels * kernels : face_recon::available_kernels()) {
    const face_recon::FloatMatrix matrix(values.data(), rows, columns, *kernels);
    const std::vector<float> found = matrix.times(vector.data());
    bool near = found.size() >= rows;
    for (std::size_t row = 0; near && row < rows; ++row) {
      double sum = 0;
      for (std::size_t column = 0; column < columns; ++column) {
        sum += values[row * columns + column] * vector[column];
      }
      near = std::fabs(sum - static_cast<double>(found[row])) < 1e-5;
    }
    check(near, name + ": products of " + kernels->name + " are off");
    check(
      expected.empty() || found == expected, name + ": products of " + kernels->name + " differ");
    expected = found;
  }
}

void refuses(const std::vector<std::int32_t> & triangles, const std::string & set)
{
  bool refused = false;
  try {
    Renderer renderer(triangles.data(), triangles.size() / 3, set, 1);
  } catch (const std::invalid_argument &) {
    refused = true;
  }
  check(refused, "a bad index or instruction set is refused");
}

}  // namespace

int main(int count, char ** arguments)
{
  const Rounds rounds(count, arguments);
  std::string sets;
  for (const std::string & set : face_recon::instruction_sets()) {
    sets += " " + set;
  }
  std::printf("instruction sets:%s\n", sets.c_str());
  refuses({0, 1, -1}, "auto");
  refuses({0, 1, std::numeric_limits<std::int32_t>::max()}, "auto");
  refuses({0, 1, 2}, "none");
  return rounds.run([](Random & random, const std::string & name) {
    fuzz_renderer(random, name);
    fuzz_coarser(random, name);
    fuzz_decoder(random, name);
    fuzz_depth_alignment(random, name);
    fuzz_crop(random, name);
    fuzz_products(random, name);
  });
}
