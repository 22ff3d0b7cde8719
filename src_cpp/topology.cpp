// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "topology.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace face_recon
{
namespace
{

using Triangle = std::array<std::int32_t, 3>;

// Triangles around each vertex, as one array and offsets into it.
struct Incidence
{
  // A vertex of more triangles is no point of a surface; it is left without neighbours, which keeps
  // the work below linear in the number of triangles.
  static constexpr std::int32_t kMostTriangles = 64;

  std::vector<std::int32_t> offset;
  std::vector<std::int32_t> triangle;

  struct Range
  {
    const std::int32_t * first;
    const std::int32_t * last;

    const std::int32_t * begin() const { return first; }
    const std::int32_t * end() const { return last; }
  };

  Range of(std::int32_t vertex) const
  {
    const auto v = static_cast<std::size_t>(vertex);
    const std::int32_t count = offset[v + 1] - offset[v];
    const std::int32_t * first = triangle.data() + offset[v];
    return {first, first + (count <= kMostTriangles ? count : 0)};
  }
};

void check_indices(const char * name, const std::int32_t * triangles, std::size_t count)
{
  for (std::size_t k = 0; k < 3 * count; ++k) {
    if (triangles[k] < 0 || triangles[k] > Topology::kLastIndex) {
      throw std::invalid_argument(
        std::string(name) + ": want indices 0 to " + std::to_string(Topology::kLastIndex) +
        ", got " + std::to_string(triangles[k]) + " in triangle " + std::to_string(k / 3));
    }
  }
}

std::vector<Triangle> compact(
  const std::int32_t * triangles, std::size_t count, const std::vector<std::int32_t> & used)
{
  std::vector<Triangle> result(count);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t k = 0; k < 3; ++k) {
      const auto found = std::lower_bound(used.begin(), used.end(), triangles[3 * t + k]);
      result[t][k] = static_cast<std::int32_t>(found - used.begin());
    }
  }
  return result;
}

Incidence incidence(const std::vector<Triangle> & triangles, std::size_t vertices)
{
  Incidence result;
  result.offset.assign(vertices + 1, 0);
  for (const Triangle & triangle : triangles) {
    for (const std::int32_t v : triangle) {
      ++result.offset[static_cast<std::size_t>(v) + 1];
    }
  }
  for (std::size_t v = 0; v < vertices; ++v) {
    result.offset[v + 1] += result.offset[v];
  }
  std::vector<std::int32_t> fill(result.offset.begin(), result.offset.end() - 1);
  result.triangle.resize(triangles.size() * 3);
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    for (const std::int32_t v : triangles[t]) {
      const auto slot = static_cast<std::size_t>(fill[static_cast<std::size_t>(v)]++);
      result.triangle[slot] = static_cast<std::int32_t>(t);
    }
  }
  return result;
}

// Patches grown breadth-first: neighbours in the order are neighbours on the surface, so their
// vertices and pixels are in the first-level cache together.
std::vector<std::int32_t> patch_order(
  const std::vector<Triangle> & triangles, const Incidence & around)
{
  constexpr std::size_t kPatchTriangles = 512;
  std::vector<std::int32_t> order;
  order.reserve(triangles.size());
  std::vector<char> taken(triangles.size(), 0);
  std::vector<std::int32_t> frontier;
  std::vector<std::int32_t> queue;
  std::size_t next_seed = 0;
  while (order.size() < triangles.size()) {
    std::int32_t seed = -1;
    while (!frontier.empty() && seed < 0) {
      const std::int32_t candidate = frontier.back();
      frontier.pop_back();
      if (!taken[static_cast<std::size_t>(candidate)]) {
        seed = candidate;
      }
    }
    while (seed < 0) {
      if (!taken[next_seed]) {
        seed = static_cast<std::int32_t>(next_seed);
      }
      ++next_seed;
    }
    queue.assign(1, seed);
    taken[static_cast<std::size_t>(seed)] = 1;
    std::size_t head = 0;
    for (; head < queue.size() && head < kPatchTriangles; ++head) {
      order.push_back(queue[head]);
      for (const std::int32_t v : triangles[static_cast<std::size_t>(queue[head])]) {
        for (const std::int32_t t : around.of(v)) {
          if (!taken[static_cast<std::size_t>(t)]) {
            taken[static_cast<std::size_t>(t)] = 1;
            queue.push_back(t);
          }
        }
      }
    }
    for (std::size_t k = queue.size(); k > head; --k) {
      taken[static_cast<std::size_t>(queue[k - 1])] = 0;
      frontier.push_back(queue[k - 1]);
    }
  }
  return order;
}

using Pair = std::array<std::int32_t, 4>;

bool has_directed_edge(const Triangle & triangle, std::int32_t from, std::int32_t to)
{
  for (std::size_t k = 0; k < 3; ++k) {
    if (triangle[k] == from && triangle[(k + 1) % 3] == to) {
      return true;
    }
  }
  return false;
}

// Joins each triangle, in the given order, with a free neighbour across an edge: the one that has
// the fewest other free neighbours, which leaves few alone.
std::vector<Pair> pair_up(
  const std::vector<Triangle> & triangles, const std::vector<std::int32_t> & order,
  const Incidence & around)
{
  std::vector<std::array<std::int32_t, 3>> neighbour(triangles.size(), {-1, -1, -1});
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    for (std::size_t k = 0; k < 3; ++k) {
      const std::int32_t from = triangles[t][k], to = triangles[t][(k + 1) % 3];
      for (const std::int32_t other : around.of(from)) {
        if (
          neighbour[t][k] < 0 && other != static_cast<std::int32_t>(t) &&
          has_directed_edge(triangles[static_cast<std::size_t>(other)], to, from)) {
          neighbour[t][k] = other;
        }
      }
    }
  }
  std::vector<char> taken(triangles.size(), 0);
  const auto is_free = [&](std::int32_t t) {
    return t >= 0 && taken[static_cast<std::size_t>(t)] == 0;
  };
  const auto free_neighbours = [&](std::size_t t) {
    return std::count_if(neighbour[t].begin(), neighbour[t].end(), is_free);
  };
  std::vector<Pair> pairs;
  for (const std::int32_t number : order) {
    const auto t = static_cast<std::size_t>(number);
    if (taken[t] != 0) {
      continue;
    }
    taken[t] = 1;
    std::size_t edge = 3;
    for (std::size_t k = 0; k < 3; ++k) {
      if (
        is_free(neighbour[t][k]) &&
        (edge == 3 || free_neighbours(static_cast<std::size_t>(neighbour[t][k])) <
                        free_neighbours(static_cast<std::size_t>(neighbour[t][edge])))) {
        edge = k;
      }
    }
    if (edge == 3) {
      pairs.push_back({triangles[t][0], triangles[t][1], triangles[t][2], triangles[t][2]});
      continue;
    }
    // Turned so that the common edge runs from corner 2 to corner 0.
    const std::int32_t from = triangles[t][edge], to = triangles[t][(edge + 1) % 3];
    const auto partner = static_cast<std::size_t>(neighbour[t][edge]);
    taken[partner] = 1;
    std::int32_t fourth = from;
    for (const std::int32_t v : triangles[partner]) {
      if (v != from && v != to) {
        fourth = v;
      }
    }
    pairs.push_back({to, triangles[t][(edge + 2) % 3], from, fourth});
  }
  return pairs;
}

// The ring of vertices around v in the triangles' own turning sense; `closed` when it returns to
// its start. Where triangles meet only at v (not a surface there) the first fan stands for all.
std::vector<std::int32_t> one_ring(
  std::int32_t v, const std::vector<Triangle> & triangles, const Incidence & around, bool & closed)
{
  std::vector<std::array<std::int32_t, 2>> sides;
  for (const std::int32_t t : around.of(v)) {
    const Triangle & triangle = triangles[static_cast<std::size_t>(t)];
    const std::size_t corner = triangle[0] == v ? 0 : triangle[1] == v ? 1 : 2;
    const std::int32_t from = triangle[(corner + 1) % 3];
    const std::int32_t to = triangle[(corner + 2) % 3];
    if (from != v && to != v && from != to) {
      sides.push_back({from, to});
    }
  }
  closed = false;
  if (sides.empty()) {
    return {};
  }
  // Start where no side arrives, if there is such a place: the rim of an open surface.
  std::size_t start = 0;
  for (std::size_t k = 0; k < sides.size(); ++k) {
    const bool reached = std::any_of(
      sides.begin(), sides.end(), [&](const auto & side) { return side[1] == sides[k][0]; });
    if (!reached) {
      start = k;
      break;
    }
  }
  std::vector<char> used(sides.size(), 0);
  used[start] = 1;
  std::vector<std::int32_t> ring{sides[start][0], sides[start][1]};
  for (bool grown = true; grown && !closed;) {
    grown = false;
    for (std::size_t k = 0; k < sides.size(); ++k) {
      if (!used[k] && sides[k][0] == ring.back()) {
        used[k] = 1;
        grown = true;
        if (sides[k][1] == ring.front()) {
          closed = true;
        } else {
          ring.push_back(sides[k][1]);
        }
        break;
      }
    }
  }
  return ring;
}

// See Topology::normal_ring. The ring turns counter-clockwise as seen; with y down the product of
// chords taken against that sense points to the viewer.
std::array<std::int32_t, 4> chords(
  std::int32_t v, const std::vector<Triangle> & triangles, const Incidence & around)
{
  bool closed = false;
  const std::vector<std::int32_t> ring = one_ring(v, triangles, around, closed);
  const std::size_t n = ring.size();
  if (n < 2) {
    return {v, v, v, v};
  }
  if (closed && n >= 4) {
    const std::size_t half = n / 2;
    const std::size_t quarter = n / 4;
    return {ring[quarter + half], ring[quarter], ring[half], ring[0]};
  }
  if (closed && n == 3) {
    return {ring[0], ring[2], ring[0], ring[1]};
  }
  // A rim: from the vertex to the two ends of its fan, or across the fan where it is wide.
  if (n == 2) {
    return {v, ring[1], v, ring[0]};
  }
  return {v, ring[n / 2], ring[n - 1], ring[0]};
}

constexpr std::size_t kBatch = Topology::kBatch;

std::size_t padded(std::size_t count) { return (count + kBatch - 1) / kBatch * kBatch; }

// Puts vertices that touch the caller's last one at the end and fills in what is per vertex.
// order: compacted indices in the order of use, which the triangles' corners count in.
void renumber(
  Topology & topology, const std::vector<std::int32_t> & order,
  const std::vector<Triangle> & triangles, const Incidence & around,
  const std::vector<std::int32_t> & used)
{
  struct Entry
  {
    std::int32_t old_number;
    std::array<std::int32_t, Topology::kPointsOf> vertices;  // compacted: itself, then its ring
  };
  const auto last = static_cast<std::int32_t>(used.size()) - 1;
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::array<std::int32_t, 4> ring = chords(order[i], triangles, around);
    entries.push_back(
      {static_cast<std::int32_t>(i), {order[i], ring[0], ring[1], ring[2], ring[3]}});
  }
  const auto touches_last =
    std::stable_partition(entries.begin(), entries.end(), [&](const Entry & entry) {
      return std::find(entry.vertices.begin(), entry.vertices.end(), last) == entry.vertices.end();
    });
  topology.readable_beyond =
    static_cast<std::size_t>(touches_last - entries.begin()) / kBatch * kBatch;
  topology.vertex_count = entries.size();
  std::vector<std::int32_t> number(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    number[static_cast<std::size_t>(entries[i].old_number)] = static_cast<std::int32_t>(i);
  }
  for (auto & corner : topology.corner) {
    for (std::int32_t & v : corner) {
      v = number[static_cast<std::size_t>(v)];
    }
  }
  if (!entries.empty()) {
    entries.resize(padded(entries.size()), entries.back());
  }
  topology.points.resize(entries.size() * Topology::kPointsOf);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto source = [&](std::size_t k) {
      return used[static_cast<std::size_t>(entries[i].vertices[k])];
    };
    topology.source_vertex.push_back(source(0));
    for (std::size_t k = 0; k < Topology::kPointsOf; ++k) {
      topology.points[Topology::slot(i, k)] = 3 * source(k);
    }
  }
}

}  // namespace

Topology analyse_topology(
  const std::int32_t * triangles, std::size_t count, const std::int32_t * surface,
  std::size_t surface_count)
{
  check_indices("triangles", triangles, count);
  check_indices("surface", surface, surface_count);
  std::vector<std::int32_t> used(triangles, triangles + 3 * count);
  used.insert(used.end(), surface, surface + 3 * surface_count);
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  const std::vector<Triangle> compacted = compact(triangles, count, used);
  const Incidence around = incidence(compacted, used.size());
  std::vector<Triangle> clockwise = compacted;
  for (Triangle & triangle : clockwise) {
    std::swap(triangle[1], triangle[2]);
  }
  const std::vector<Pair> pairs = pair_up(clockwise, patch_order(compacted, around), around);

  Topology result;
  result.required_vertices = used.empty() ? 0 : std::int64_t{used.back()} + 1;
  std::vector<std::int32_t> number(used.size(), -1);
  std::vector<std::int32_t> numbered;
  numbered.reserve(used.size());
  for (const Pair & pair : pairs) {
    for (std::size_t k = 0; k < pair.size(); ++k) {
      std::int32_t & n = number[static_cast<std::size_t>(pair[k])];
      if (n < 0) {
        n = static_cast<std::int32_t>(numbered.size());
        numbered.push_back(pair[k]);
      }
      result.corner[k].push_back(n);
    }
  }
  for (auto & corner : result.corner) {
    corner.resize(padded(pairs.size()), 0);
  }
  if (surface_count == 0) {
    renumber(result, numbered, compacted, around, used);
  } else {
    const std::vector<Triangle> finer = compact(surface, surface_count, used);
    renumber(result, numbered, finer, incidence(finer, used.size()), used);
  }
  return result;
}

}  // namespace face_recon
