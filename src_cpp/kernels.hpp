// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The inner loops of renderer and decoder, one table of them per instruction set. They see plain
// arrays only: no allocation, no exceptions, no standard containers.
//
// All tables give the same bits: they are instances of the same templates (vertex_loops.hpp,
// rasterise.hpp, decode_loops.hpp, crop_loops.hpp, product_loops.hpp) over types whose operations
// are defined exactly (IEEE single precision without contraction, integers).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace face_recon
{

// --- vertices ------------------------------------------------------------------------------------

struct Bounds
{
  float low[3];
  float high[3];
  bool usable;  // every coordinate finite and within kCoordinateLimitPx
};

// A placed vertex is two words. xy: x in the low, y in the high half, snapped, relative to the
// origin of its window. surface: see kDepthBits.
struct PlaceArguments
{
  const float * vertices;       // (V, 3)
  const std::int32_t * points;  // Topology::points
  std::size_t first;            // vertices [first, last), multiples of 8
  std::size_t last;
  std::size_t readable_beyond;  // Topology::readable_beyond
  std::int32_t origin_x;        // snapped units, subtracted
  std::int32_t origin_y;
  float key_from[4];  // depth key = [0] * x + [1] * y + [2] * z + [3]
  bool with_light;
  float towards_light[3];
  float halfway[3];
  float ambient;
  float diffuse;
  float specular;
  std::int32_t * xy;        // out, padded to 8
  std::uint32_t * surface;  // out, padded to 8
};

// --- triangles -----------------------------------------------------------------------------------

// A pixel of the surface buffer, and a vertex's surface word: depth key in the high half (larger is
// nearer), stored light in the low half. One unsigned maximum tests depth and writes; 0 is empty.
constexpr int kDepthBits = 16;
// Keys keep this distance from both ends, so that rounded gradients over kSmallSide pixels stay
// inside 16 bits.
constexpr std::int32_t kKeyMargin = 128;
constexpr std::int32_t kKeyRange = 65535 - 2 * kKeyMargin;
// Triangles with a longer side in pixels, or steeper than kSteepest units per pixel, are left to
// the caller: up to there all intermediate values stay below 2^22, exact enough in single precision.
constexpr int kSmallSide = 64;
constexpr float kSteepest = 32767.0F;
// Triangles up to this side are drawn as whole blocks: the surface buffer has that many rows less
// one, and kLanes - 1 columns, beyond its limits.
constexpr int kBlockSide = 4;
// Snapped extent of a window: differences fit 16 bits, and rounding up does not leave them.
constexpr std::int32_t kWindowExtent = 32752;

struct SurfaceBuffer
{
  std::uint32_t * pixels;
  std::int64_t stride;  // in pixels
  // Inclusive limits in window pixels, clipped to the image; pixel (x, y) of the window lies at
  // pixels[(y + row_offset) * stride + x + column_offset].
  std::int32_t x0, y0, x1, y1;
  std::int32_t column_offset, row_offset;
};

struct RasterArguments
{
  const std::int32_t * corner[4];  // Topology::corner
  std::size_t first;               // pairs [first, last), multiples of 8
  std::size_t last;
  const std::int32_t * xy;
  const std::uint32_t * surface;
  SurfaceBuffer buffer;
  std::int32_t * left_over;  // out: corners of triangles left to the caller, room for all of them
  std::size_t left_over_count;
};

// --- pixels --------------------------------------------------------------------------------------

struct ShadeArguments
{
  std::array<std::uint8_t, 3> color;
  std::int32_t opacity_256;
};

// --- dense decoding ------------------------------------------------------------------------------

// Points are decoded in blocks. Components come in pairs, so that one multiplication of 16-bit
// integers takes two at once: [block][pair][axis][point of the block][component of the pair].
//
// With a mirror-symmetric model one point stands for two vertices: the left one is the sum of
// what the even and the odd components make of it, the right one the mirror image (x negated) of
// their difference. Without, all components are even and each point is a vertex.
constexpr std::size_t kDecodeBlock = 32;

struct DecodeArguments
{
  const float * mean;          // [block][axis][point of the block]
  const std::int16_t * basis;  // as above, even pairs before odd
  std::size_t even_pairs;
  std::size_t odd_pairs;
  const std::int32_t * weights;  // of each pair: two 16-bit integers, the first in the low half
  const float * scale;           // of each pair: metres per unit of weight times basis
  const float * camera;          // 3x4, row-major
  std::size_t points;
  // Vertices of each point, padded to whole blocks; null: vertex = point, no other side. A point on
  // the plane of symmetry is both.
  const std::int32_t * left;
  const std::int32_t * right;
  float * out;  // (V, 3)
};

// --- crops of images -----------------------------------------------------------------------------

// Places in an image are fixed-point numbers of 64 bits. A sampled value is the sum of four pixels
// times weights, whose own sum is 2^kSampleWeightBits; sums are exact in single precision.
constexpr int kPlaceBits = 32;
constexpr int kSampleWeightBits = 14;

struct SampleArguments
{
  const std::uint8_t * image;  // BGR
  std::int64_t row_bytes;
  std::int32_t width, height;
  std::int64_t x, y;  // of the first sample, half a unit of the weights added
  std::int64_t step_x, step_y;
  std::size_t count;
  float * out;  // RGB, and one float more that may be written
};

// --- products ------------------------------------------------------------------------------------

// Rows and columns of a matrix come in multiples of these, padded with zeros.
constexpr std::size_t kProductRows = 4;
constexpr std::size_t kProductColumns = 8;

struct Kernels
{
  const char * name;
  Bounds (*bounds)(const float * vertices, std::size_t count);
  void (*place)(const PlaceArguments & arguments);
  void (*rasterise)(RasterArguments & arguments);
  // Draws count surface pixels over BGR; `slack` bytes after them may be read (not written).
  void (*shade_row)(
    const std::uint32_t * surface, std::uint8_t * bgr, std::size_t count, std::size_t slack,
    const ShadeArguments & arguments);
  // depth[i] = base + step * key, NaN where empty.
  void (*depth_row)(
    const std::uint32_t * surface, float * depth, std::size_t count, float base, float step);
  void (*decode)(const DecodeArguments & arguments);
  void (*sample_row)(const SampleArguments & arguments);
  // RGB blurred with symmetric weights of 7 pixels, the middle one's first: along a row of `count`
  // floats, with 9 more before it, where `row` points to, and after it; and across 7 rows.
  void (*blur_row)(const float * row, float * out, std::size_t count, const float * weights);
  void (*mix_rows)(
    const float * const * rows, float * out, std::size_t count, const float * weights);
  // out (count,): rows (count, columns) times vector (columns,).
  void (*products)(
    const float * rows, const float * vector, std::size_t count, std::size_t columns, float * out);
};

// What works here, best first. kernels_named() takes one of their names, or "auto" for the best, and
// throws std::invalid_argument with what there is otherwise.
std::vector<const Kernels *> available_kernels();
const Kernels & kernels_named(const std::string & name);

// Null where this build or this processor has not got it.
const Kernels * avx2_kernels();
const Kernels * neon_kernels();
const Kernels * portable_kernels();

}  // namespace face_recon
