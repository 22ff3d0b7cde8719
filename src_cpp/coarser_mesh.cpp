// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "coarser_mesh.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace face_recon
{
namespace
{

using Vector = std::array<double, 3>;

// New triangles turn from the surface by less than this cosine says, and are no thinner than this
// part of an equilateral one.
constexpr double kLeastCosine = 0.9;
constexpr double kLeastQuality = 0.2;
constexpr std::size_t kMostNeighbours = 10;
constexpr std::int32_t kGone = -1;

double dot(const Vector & a, const Vector & b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector minus(const Vector & a, const Vector & b)
{
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

Vector cross(const Vector & a, const Vector & b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

class Coarsening
{
public:
  Coarsening(std::vector<MeshTriangle> triangles, const float * vertices, std::size_t vertex_count)
  : triangles_(std::move(triangles)), vertices_(vertices), around_(vertex_count)
  {
    for (std::size_t t = 0; t < triangles_.size(); ++t) {
      for (const std::int32_t v : triangles_[t]) {
        around_[static_cast<std::size_t>(v)].push_back(static_cast<std::int32_t>(t));
      }
    }
  }

  std::vector<MeshTriangle> result(std::size_t wanted)
  {
    std::size_t left = static_cast<std::size_t>(std::count_if(
      around_.begin(), around_.end(), [](const auto & around) { return !around.empty(); }));
    for (bool some = true; some && left > wanted;) {
      some = false;
      std::vector<char> kept(around_.size(), 0);
      for (const std::int32_t v : flattest_first()) {
        if (left > wanted && kept[static_cast<std::size_t>(v)] == 0 && take_away(v, kept)) {
          --left;
          some = true;
        }
      }
    }
    std::vector<MeshTriangle> found;
    std::copy_if(
      triangles_.begin(), triangles_.end(), std::back_inserter(found),
      [](const MeshTriangle & t) { return t[0] != kGone; });
    return found;
  }

private:
  Vector point(std::int32_t v) const
  {
    const float * xyz = vertices_ + 3 * std::ptrdiff_t{v};
    return {xyz[0], xyz[1], xyz[2]};
  }

  Vector doubled_area(const MeshTriangle & t) const
  {
    return cross(minus(point(t[1]), point(t[0])), minus(point(t[2]), point(t[0])));
  }

  // How much of the area around a vertex its triangles lose when they are laid flat, 0 to 1.
  double curvature(std::int32_t v) const
  {
    Vector sum{};
    double area = 0.0;
    for (const std::int32_t t : around_[static_cast<std::size_t>(v)]) {
      const Vector normal = doubled_area(triangles_[static_cast<std::size_t>(t)]);
      area += std::sqrt(dot(normal, normal));
      for (std::size_t k = 0; k < 3; ++k) {
        sum[k] += normal[k];
      }
    }
    const double lost = 1.0 - std::sqrt(dot(sum, sum)) / area;
    return std::isfinite(lost) ? lost : 1.0;
  }

  std::vector<std::int32_t> flattest_first() const
  {
    std::vector<std::int32_t> order;
    std::vector<double> curvatures(around_.size(), 0.0);
    for (std::size_t v = 0; v < around_.size(); ++v) {
      if (!around_[v].empty()) {
        order.push_back(static_cast<std::int32_t>(v));
        curvatures[v] = curvature(order.back());
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return curvatures[static_cast<std::size_t>(a)] < curvatures[static_cast<std::size_t>(b)];
    });
    return order;
  }

  // The vertices around one in the triangles' turning sense; empty where they close no ring.
  std::vector<std::int32_t> ring(std::int32_t v) const
  {
    std::vector<std::array<std::int32_t, 2>> sides;
    for (const std::int32_t t : around_[static_cast<std::size_t>(v)]) {
      const MeshTriangle & triangle = triangles_[static_cast<std::size_t>(t)];
      const auto k = static_cast<std::size_t>(
        std::find(triangle.begin(), triangle.end(), v) - triangle.begin());
      sides.push_back({triangle[(k + 1) % 3], triangle[(k + 2) % 3]});
    }
    std::vector<std::int32_t> found;
    if (sides.size() < 3 || sides.size() > kMostNeighbours) {
      return found;
    }
    std::int32_t at = sides[0][0];
    for (std::size_t step = 0; step < sides.size(); ++step) {
      const auto next =
        std::find_if(sides.begin(), sides.end(), [&](const auto & side) { return side[0] == at; });
      if (next == sides.end() || std::find(found.begin(), found.end(), at) != found.end()) {
        return {};
      }
      found.push_back(at);
      at = (*next)[1];
    }
    return at == found[0] ? found : std::vector<std::int32_t>{};
  }

  bool adjacent(std::int32_t a, std::int32_t b) const
  {
    const auto & around = around_[static_cast<std::size_t>(a)];
    return std::any_of(around.begin(), around.end(), [&](std::int32_t t) {
      const MeshTriangle & triangle = triangles_[static_cast<std::size_t>(t)];
      return std::find(triangle.begin(), triangle.end(), b) != triangle.end();
    });
  }

  // How bad it is to fill a ring from its corner k; infinite where it must not be.
  double cost(const std::vector<std::int32_t> & ring, std::size_t k, const Vector & normal) const
  {
    constexpr double kNever = INFINITY;
    const std::size_t n = ring.size();
    for (std::size_t i = 2; i + 1 < n; ++i) {
      if (adjacent(ring[k], ring[(k + i) % n])) {
        return kNever;
      }
    }
    double worst = 0.0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      const MeshTriangle t{ring[k], ring[(k + i) % n], ring[(k + i + 1) % n]};
      const Vector area = doubled_area(t);
      const double size = std::sqrt(dot(area, area));
      double edges = 0.0;
      for (std::size_t c = 0; c < 3; ++c) {
        const Vector edge = minus(point(t[(c + 1) % 3]), point(t[c]));
        edges += dot(edge, edge);
      }
      const double cosine = size > 0.0 ? dot(area, normal) / size : -1.0;
      const double quality = edges > 0.0 ? 2.0 * std::sqrt(3.0) * size / edges : 0.0;
      if (!(cosine >= kLeastCosine && quality >= kLeastQuality)) {
        return kNever;
      }
      worst = std::max(worst, (1.0 - cosine) + 0.1 * (1.0 - quality));
    }
    return worst;
  }

  bool take_away(std::int32_t v, std::vector<char> & kept)
  {
    const std::vector<std::int32_t> corners = ring(v);
    if (corners.empty()) {
      return false;
    }
    Vector normal{};
    for (const std::int32_t t : around_[static_cast<std::size_t>(v)]) {
      const Vector area = doubled_area(triangles_[static_cast<std::size_t>(t)]);
      for (std::size_t k = 0; k < 3; ++k) {
        normal[k] += area[k];
      }
    }
    const double length = std::sqrt(dot(normal, normal));
    if (!(length > 0.0)) {
      return false;
    }
    for (double & value : normal) {
      value /= length;
    }
    std::size_t best = 0;
    double least = INFINITY;
    for (std::size_t k = 0; k < corners.size(); ++k) {
      const double here = cost(corners, k, normal);
      if (here < least) {
        least = here;
        best = k;
      }
    }
    if (std::isinf(least)) {
      return false;
    }
    fill(v, corners, best);
    for (const std::int32_t corner : corners) {
      kept[static_cast<std::size_t>(corner)] = 1;
    }
    return true;
  }

  void fill(std::int32_t v, const std::vector<std::int32_t> & ring, std::size_t k)
  {
    const std::vector<std::int32_t> free = around_[static_cast<std::size_t>(v)];
    around_[static_cast<std::size_t>(v)].clear();
    for (const std::int32_t corner : ring) {
      auto & around = around_[static_cast<std::size_t>(corner)];
      around.erase(
        std::remove_if(
          around.begin(), around.end(),
          [&](std::int32_t t) { return std::find(free.begin(), free.end(), t) != free.end(); }),
        around.end());
    }
    const std::size_t n = ring.size();
    for (std::size_t i = 0; i < n; ++i) {
      MeshTriangle & triangle = triangles_[static_cast<std::size_t>(free[i])];
      if (i + 2 >= n) {
        triangle = {kGone, kGone, kGone};
        continue;
      }
      triangle = {ring[k], ring[(k + i + 1) % n], ring[(k + i + 2) % n]};
      for (const std::int32_t corner : triangle) {
        around_[static_cast<std::size_t>(corner)].push_back(free[i]);
      }
    }
  }

  std::vector<MeshTriangle> triangles_;
  const float * vertices_;
  std::vector<std::vector<std::int32_t>> around_;  // triangles of each vertex
};

}  // namespace

std::vector<MeshTriangle> coarser_mesh(
  std::vector<MeshTriangle> triangles, const float * vertices, std::size_t vertex_count,
  std::size_t wanted)
{
  return Coarsening(std::move(triangles), vertices, vertex_count).result(wanted);
}

}  // namespace face_recon
