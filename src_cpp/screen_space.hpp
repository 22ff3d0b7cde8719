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

inline std::int32_t snap(float coordinate_px)
{
  return static_cast<std::int32_t>(std::floor(coordinate_px * kSubpixels + 0.5F));
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

}  // namespace face_recon
