#include "renderer.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "screen_space.hpp"
#include "shading.hpp"
#include "topology.hpp"

namespace face_recon
{
namespace
{

constexpr float kNothing = -std::numeric_limits<float>::infinity();
// A vertex behind the nearest surface by less than this part of its face's extent is visible.
constexpr float kVisibilityTolerance = 0.01F;

struct Box
{
  std::int64_t x0 = 0, y0 = 0, x1 = -1, y1 = -1;  // inclusive
};

struct PlacedVertex
{
  SnappedPoint at{0, 0};
  bool drawable = false;
  bool front = false;
  float z = 0.0F;
  float nearness = 0.0F;
  std::int32_t light = 0;
};

std::int64_t divide_down(std::int64_t numerator, std::int64_t positive)
{
  const std::int64_t quotient = numerator / positive;
  return quotient - (numerator % positive < 0 ? 1 : 0);
}

std::int64_t divide_up(std::int64_t numerator, std::int64_t positive)
{
  return -divide_down(-numerator, positive);
}

}  // namespace

struct Renderer::State
{
  Topology topology;
  std::vector<PlacedVertex> placed;   // all faces, one after the other
  std::vector<float> nearness;        // of the box, kNothing where nothing is
  std::vector<std::int32_t> painter;  // which triangle
  std::vector<std::int32_t> owner;    // of which face

  void place(const Face & face, const LightModel * light, PlacedVertex * out) const;
  Box extent(const Outputs & outputs) const;
  void rasterise(std::int32_t face, const Box & box);
  void resolve(
    const std::vector<Face> & faces, const Shading & shading, const Outputs & outputs,
    const Box & box) const;
  void test_visibility(
    const Face & face, std::int32_t index, const Box & box, const Outputs & outputs);
};

void Renderer::State::place(const Face & face, const LightModel * light, PlacedVertex * out) const
{
  for (std::size_t i = 0; i < topology.vertex_count(); ++i) {
    const float * xyz = face.vertices + 3 * std::ptrdiff_t{topology.source_vertex[i]};
    PlacedVertex & vertex = out[i];
    vertex = PlacedVertex{};
    if (!is_drawable(xyz)) {
      continue;
    }
    vertex.drawable = true;
    vertex.at = {snap(xyz[0]), snap(xyz[1])};
    vertex.z = xyz[2];
    if (face.has_depth_plane) {
      const auto & plane = face.depth_plane;
      vertex.nearness = -(plane[0] * xyz[0] + plane[1] * xyz[1] + plane[2] * xyz[2] + plane[3]);
    } else {
      vertex.nearness = xyz[2];
    }
    if (light != nullptr) {
      const std::int32_t * ring = &topology.normal_ring[4 * i];
      vertex.light = light->at(
        face.vertices + 3 * std::ptrdiff_t{ring[0]}, face.vertices + 3 * std::ptrdiff_t{ring[1]},
        face.vertices + 3 * std::ptrdiff_t{ring[2]}, face.vertices + 3 * std::ptrdiff_t{ring[3]});
    }
  }
}

Box Renderer::State::extent(const Outputs & outputs) const
{
  constexpr std::int32_t kFar = std::numeric_limits<std::int32_t>::max();
  std::int32_t x0 = kFar, y0 = kFar, x1 = -kFar, y1 = -kFar;
  for (const PlacedVertex & vertex : placed) {
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
  return {
    std::max<std::int64_t>(0, divide_up(x0, kSubpixels)),
    std::max<std::int64_t>(0, divide_up(y0, kSubpixels)),
    std::min<std::int64_t>(outputs.width - 1, divide_down(x1, kSubpixels)),
    std::min<std::int64_t>(outputs.height - 1, divide_down(y1, kSubpixels))};
}

// The x in [x0, x1] where the edge is inside, in row y.
void clip_span(const Edge & edge, std::int64_t y, std::int64_t & x0, std::int64_t & x1)
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

void Renderer::State::rasterise(std::int32_t face, const Box & box)
{
  PlacedVertex * vertices =
    placed.data() + static_cast<std::size_t>(face) * topology.vertex_count();
  const std::int64_t stride = box.x1 - box.x0 + 1;
  for (std::size_t t = 0; t < topology.triangle_count; ++t) {
    PlacedVertex & p = vertices[topology.corner[0][t]];
    PlacedVertex & q = vertices[topology.corner[1][t]];
    PlacedVertex & r = vertices[topology.corner[2][t]];
    if (!p.drawable || !q.drawable || !r.drawable) {
      continue;
    }
    const std::int64_t area = doubled_area(p.at, q.at, r.at);
    if (area <= 0) {
      continue;
    }
    p.front = q.front = r.front = true;
    const auto [left, right] = std::minmax({p.at.x, q.at.x, r.at.x});
    const auto [top, bottom] = std::minmax({p.at.y, q.at.y, r.at.y});
    const std::int64_t x0 = std::max(box.x0, divide_up(left, kSubpixels));
    const std::int64_t x1 = std::min(box.x1, divide_down(right, kSubpixels));
    const std::int64_t y0 = std::max(box.y0, divide_up(top, kSubpixels));
    const std::int64_t y1 = std::min(box.y1, divide_down(bottom, kSubpixels));
    if (x0 > x1 || y0 > y1) {
      continue;
    }
    const Edge pq(p.at, q.at), qr(q.at, r.at), rp(r.at, p.at);
    const double scale = 1.0 / static_cast<double>(area);
    const double dq = double{q.nearness} - p.nearness;
    const double dr = double{r.nearness} - p.nearness;
    for (std::int64_t y = y0; y <= y1; ++y) {
      std::int64_t from = x0, to = x1;
      clip_span(pq, y, from, to);
      clip_span(qr, y, from, to);
      clip_span(rp, y, from, to);
      for (std::int64_t x = from; x <= to; ++x) {
        const double weight_r = static_cast<double>(pq.at(x, y) + pq.excluded) * scale;
        const double weight_q = static_cast<double>(rp.at(x, y) + rp.excluded) * scale;
        const auto near = static_cast<float>(p.nearness + weight_q * dq + weight_r * dr);
        const auto slot = static_cast<std::size_t>((y - box.y0) * stride + x - box.x0);
        if (near > nearness[slot]) {
          nearness[slot] = near;
          painter[slot] = static_cast<std::int32_t>(t);
          owner[slot] = face;
        }
      }
    }
  }
}

void Renderer::State::resolve(
  const std::vector<Face> & faces, const Shading & shading, const Outputs & outputs,
  const Box & box) const
{
  const auto opacity_256 = static_cast<std::int32_t>(shading.opacity * 256.0F + 0.5F);
  const std::int64_t stride = box.x1 - box.x0 + 1;
  for (std::int64_t y = box.y0; y <= box.y1; ++y) {
    for (std::int64_t x = box.x0; x <= box.x1; ++x) {
      const auto slot = static_cast<std::size_t>((y - box.y0) * stride + x - box.x0);
      if (nearness[slot] == kNothing) {
        continue;
      }
      const auto pixel = static_cast<std::size_t>(y * outputs.width + x);
      const Face & face = faces[static_cast<std::size_t>(owner[slot])];
      if (outputs.depth_m != nullptr) {
        outputs.depth_m[pixel] = -nearness[slot];
      }
      if (outputs.image == nullptr && outputs.pncc == nullptr) {
        continue;
      }
      const PlacedVertex * vertices =
        placed.data() + static_cast<std::size_t>(owner[slot]) * topology.vertex_count();
      const auto t = static_cast<std::size_t>(painter[slot]);
      const std::int32_t corners[3] = {
        topology.corner[0][t], topology.corner[1][t], topology.corner[2][t]};
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
          const auto source =
            static_cast<std::size_t>(topology.source_vertex[static_cast<std::size_t>(corners[k])]);
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

// Visible: on a front-facing triangle, inside the image, and not behind the drawn surface around
// it, where "around" is the four pixels next to it and a pixel without surface hides nothing.
void Renderer::State::test_visibility(
  const Face & face, std::int32_t index, const Box & box, const Outputs & outputs)
{
  std::uint8_t * visible = outputs.visibility + index * outputs.visibility_stride;
  std::fill(visible, visible + outputs.visibility_stride, std::uint8_t{0});
  const PlacedVertex * vertices =
    placed.data() + static_cast<std::size_t>(index) * topology.vertex_count();
  float nearest = kNothing, farthest = -kNothing;
  for (std::size_t i = 0; i < topology.vertex_count(); ++i) {
    if (vertices[i].drawable) {
      nearest = std::max(nearest, vertices[i].nearness);
      farthest = std::min(farthest, vertices[i].nearness);
    }
  }
  const float tolerance = kVisibilityTolerance * (nearest - farthest);
  const std::int64_t stride = box.x1 - box.x0 + 1;
  for (std::size_t i = 0; i < topology.vertex_count(); ++i) {
    const PlacedVertex & vertex = vertices[i];
    const float * xyz = face.vertices + 3 * std::ptrdiff_t{topology.source_vertex[i]};
    const bool inside = vertex.drawable && xyz[0] >= -0.5F && xyz[1] >= -0.5F &&
                        xyz[0] < static_cast<float>(outputs.width) - 0.5F &&
                        xyz[1] < static_cast<float>(outputs.height) - 0.5F;
    if (!inside || !vertex.front) {
      continue;
    }
    const auto x = static_cast<std::int64_t>(std::floor(xyz[0]));
    const auto y = static_cast<std::int64_t>(std::floor(xyz[1]));
    float surface = -kNothing;
    for (std::int64_t dy = 0; dy < 2; ++dy) {
      for (std::int64_t dx = 0; dx < 2; ++dx) {
        const std::int64_t column = x + dx, row = y + dy;
        const bool known = column >= box.x0 && column <= box.x1 && row >= box.y0 && row <= box.y1;
        surface = std::min(
          surface,
          known ? nearness[static_cast<std::size_t>((row - box.y0) * stride + column - box.x0)]
                : kNothing);
      }
    }
    visible[topology.source_vertex[i]] = vertex.nearness + tolerance >= surface ? 1 : 0;
  }
}

Renderer::Renderer(const std::int32_t * triangles, std::size_t count)
: state_(std::make_unique<State>())
{
  state_->topology = analyse_topology(triangles, count);
}

Renderer::~Renderer() = default;
Renderer::Renderer(Renderer &&) noexcept = default;
Renderer & Renderer::operator=(Renderer &&) noexcept = default;

std::int64_t Renderer::required_vertices() const { return state_->topology.required_vertices; }

void Renderer::draw(
  const std::vector<Face> & faces, const Shading & shading, const Outputs & outputs)
{
  State & state = *state_;
  const auto pixels =
    static_cast<std::size_t>(outputs.width) * static_cast<std::size_t>(outputs.height);
  if (outputs.depth_m != nullptr) {
    std::fill_n(outputs.depth_m, pixels, std::numeric_limits<float>::quiet_NaN());
  }
  if (outputs.pncc != nullptr) {
    std::fill_n(outputs.pncc, 3 * pixels, std::uint8_t{0});
  }
  const LightModel light(shading);
  const std::size_t count = state.topology.vertex_count();
  state.placed.resize(faces.size() * count);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    state.place(
      faces[f], outputs.image != nullptr ? &light : nullptr, state.placed.data() + f * count);
  }
  const Box box = state.extent(outputs);
  const std::size_t slots = box.x0 > box.x1 || box.y0 > box.y1
                              ? 0
                              : static_cast<std::size_t>(box.x1 - box.x0 + 1) *
                                  static_cast<std::size_t>(box.y1 - box.y0 + 1);
  state.nearness.assign(slots, kNothing);
  state.painter.resize(slots);
  state.owner.resize(slots);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    state.rasterise(static_cast<std::int32_t>(f), box);
  }
  if (slots != 0) {
    state.resolve(faces, shading, outputs, box);
  }
  if (outputs.visibility != nullptr) {
    for (std::size_t f = 0; f < faces.size(); ++f) {
      state.test_visibility(faces[f], static_cast<std::int32_t>(f), box, outputs);
    }
  }
}

}  // namespace face_recon
