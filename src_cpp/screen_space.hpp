// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Conventions of the renderer, in one place.
//
// Screen coordinates: x right, y down, z towards the viewer (larger is nearer), in pixels; the
// centre of pixel (0, 0) is at (0.0, 0.0).
//
// Sub-pixel rules: a vertex is snapped to 1/16 px; from there on coverage is integer arithmetic.
// A pixel belongs to a front-facing triangle when its centre lies inside it or on a top or left
// edge (top-left rule), so triangles that share an edge neither leave a hole nor paint twice.
// Front faces are counter-clockwise as seen on the screen; the others are not drawn.
//
// A triangle with a vertex that is NaN, infinite or farther than 2^20 px from the origin in any
// coordinate is not drawn.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace face_recon
{

constexpr int kSubpixelBits = 4;
constexpr int kSubpixels = 1 << kSubpixelBits;
constexpr float kCoordinateLimitPx = 1048576.0F;

struct SnappedPoint
{
  std::int32_t x;
  std::int32_t y;
};

inline bool is_drawable(const float * xyz)
{
  // NaN fails every comparison.
  return std::fabs(xyz[0]) <= kCoordinateLimitPx && std::fabs(xyz[1]) <= kCoordinateLimitPx &&
         std::fabs(xyz[2]) <= kCoordinateLimitPx;
}

// Of a drawable coordinate. (Without SSE4.1 std::floor is a call.)
inline std::int32_t floor_to_int(float value)
{
  const auto towards_zero = static_cast<std::int32_t>(value);
  return towards_zero - (static_cast<float>(towards_zero) > value ? 1 : 0);
}

inline std::int32_t snap(float coordinate_px)
{
  return floor_to_int(coordinate_px * kSubpixels + 0.5F);
}

// Edge from a to b of a triangle that is clockwise in (x, y down): a * x + b * y + c >= 0 inside,
// x and y in whole pixels. The top-left rule is folded into c; the doubled area of the triangle
// that the point spans with the edge is that value + excluded.
struct Edge
{
  std::int64_t a;
  std::int64_t b;
  std::int64_t c;
  std::int64_t excluded;  // 1 where a point on the edge is outside, else 0

  Edge(SnappedPoint from, SnappedPoint to)
  {
    const std::int64_t dx = std::int64_t{to.x} - from.x;
    const std::int64_t dy = std::int64_t{to.y} - from.y;
    const bool top_left = dy < 0 || (dy == 0 && dx > 0);
    a = -dy * kSubpixels;
    b = dx * kSubpixels;
    excluded = top_left ? 0 : 1;
    c = dy * from.x - dx * from.y - excluded;
  }

  std::int64_t at(std::int64_t x, std::int64_t y) const { return a * x + b * y + c; }
};

// Twice the area in snapped units; positive for clockwise in (x, y down).
inline std::int64_t doubled_area(SnappedPoint p, SnappedPoint q, SnappedPoint r)
{
  return (std::int64_t{q.x} - p.x) * (std::int64_t{r.y} - p.y) -
         (std::int64_t{r.x} - p.x) * (std::int64_t{q.y} - p.y);
}

// Pixels, inclusive; empty when x1 < x0 or y1 < y0.
struct PixelBox
{
  std::int64_t x0 = 0, y0 = 0, x1 = -1, y1 = -1;

  bool empty() const { return x1 < x0 || y1 < y0; }
  std::int64_t width() const { return x1 - x0 + 1; }
  std::int64_t height() const { return y1 - y0 + 1; }
  bool holds(std::int64_t x, std::int64_t y) const
  {
    return x >= x0 && x <= x1 && y >= y0 && y <= y1;
  }
  std::int64_t area() const { return empty() ? 0 : width() * height(); }
};

inline std::int64_t divide_down(std::int64_t numerator, std::int64_t positive)
{
  const std::int64_t quotient = numerator / positive;
  return quotient - (numerator % positive < 0 ? 1 : 0);
}

inline std::int64_t divide_up(std::int64_t numerator, std::int64_t positive)
{
  return -divide_down(-numerator, positive);
}

// The pixels whose centres lie in a box of snapped coordinates, inside `limits`.
inline PixelBox pixels_of(
  std::int64_t x0, std::int64_t y0, std::int64_t x1, std::int64_t y1, const PixelBox & limits)
{
  return {
    std::max(limits.x0, divide_up(x0, kSubpixels)), std::max(limits.y0, divide_up(y0, kSubpixels)),
    std::min(limits.x1, divide_down(x1, kSubpixels)),
    std::min(limits.y1, divide_down(y1, kSubpixels))};
}

// The x in [x0, x1] where the edge is inside, in row y.
inline void clip_span(const Edge & edge, std::int64_t y, std::int64_t & x0, std::int64_t & x1)
{
  const std::int64_t rest = edge.b * y + edge.c;
  if (edge.a > 0) {
    x0 = std::max(x0, divide_up(-rest, edge.a));
  } else if (edge.a < 0) {
    x1 = std::min(x1, divide_down(rest, -edge.a));
  } else if (rest < 0) {
    x1 = x0 - 1;
  }
}

// Calls paint(x, y, weight_q, weight_r) for the pixels of a front-facing triangle inside `limits`.
template <typename Paint>
void for_each_pixel(
  SnappedPoint p, SnappedPoint q, SnappedPoint r, const PixelBox & limits, Paint paint)
{
  const std::int64_t area = doubled_area(p, q, r);
  if (area <= 0) {
    return;
  }
  const auto [left, right] = std::minmax({p.x, q.x, r.x});
  const auto [top, bottom] = std::minmax({p.y, q.y, r.y});
  const PixelBox box = pixels_of(left, top, right, bottom, limits);
  if (box.empty()) {
    return;
  }
  const Edge pq(p, q), qr(q, r), rp(r, p);
  const double scale = 1.0 / static_cast<double>(area);
  for (std::int64_t y = box.y0; y <= box.y1; ++y) {
    std::int64_t from = box.x0, to = box.x1;
    clip_span(pq, y, from, to);
    clip_span(qr, y, from, to);
    clip_span(rp, y, from, to);
    for (std::int64_t x = from; x <= to; ++x) {
      paint(
        x, y, static_cast<double>(rp.at(x, y) + rp.excluded) * scale,
        static_cast<double>(pq.at(x, y) + pq.excluded) * scale);
    }
  }
}

}  // namespace face_recon
