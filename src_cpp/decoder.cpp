// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "decoder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels.hpp"

namespace face_recon
{
namespace
{

// Both sets of components, counted through.
struct Components
{
  ComponentView shape;
  ComponentView expression;
  std::size_t vertices;

  std::size_t count() const { return shape.count + expression.count; }
  const std::int16_t * of(std::size_t k) const
  {
    return k < shape.count ? shape.basis + k * vertices * 3
                           : expression.basis + (k - shape.count) * vertices * 3;
  }
};

// Of each vertex, the one at its mirror image; empty when one has none.
std::vector<std::int32_t> find_mirror(const float * mean, std::size_t vertices)
{
  using Point = std::array<float, 3>;
  const auto point = [&](std::int32_t v, float side) {
    const float * xyz = mean + 3 * std::ptrdiff_t{v};
    return Point{side * xyz[0], xyz[1], xyz[2]};
  };
  const bool finite =
    std::all_of(mean, mean + 3 * vertices, [](float value) { return std::isfinite(value); });
  if (!finite) {
    return {};
  }
  std::vector<std::int32_t> sorted(vertices);
  std::iota(sorted.begin(), sorted.end(), 0);
  std::sort(sorted.begin(), sorted.end(), [&](std::int32_t a, std::int32_t b) {
    return point(a, 1.0F) < point(b, 1.0F);
  });
  std::vector<std::int32_t> mirror(vertices);
  for (std::size_t v = 0; v < vertices; ++v) {
    const Point image = point(static_cast<std::int32_t>(v), -1.0F);
    const auto found = std::lower_bound(
      sorted.begin(), sorted.end(), image,
      [&](std::int32_t a, const Point & b) { return point(a, 1.0F) < b; });
    if (found == sorted.end() || point(*found, 1.0F) != image) {
      return {};
    }
    mirror[v] = *found;
  }
  for (std::size_t v = 0; v < vertices; ++v) {
    // Not so where two vertices are at one place.
    if (mirror[static_cast<std::size_t>(mirror[v])] != static_cast<std::int32_t>(v)) {
      return {};
    }
  }
  return mirror;
}

// Whether the component's mirror image is sign times itself.
bool mirrors(const std::int16_t * component, const std::vector<std::int32_t> & mirror, int sign)
{
  for (std::size_t v = 0; v < mirror.size(); ++v) {
    const std::int16_t * here = component + 3 * v;
    const std::int16_t * there = component + 3 * std::ptrdiff_t{mirror[v]};
    if (there[0] != -sign * here[0] || there[1] != sign * here[1] || there[2] != sign * here[2]) {
      return false;
    }
  }
  return true;
}

constexpr std::size_t kNoComponent = static_cast<std::size_t>(-1);

}  // namespace

struct Decoder::State
{
  const Kernels * kernels;
  std::size_t vertices = 0;
  std::size_t shape_count = 0;
  std::vector<float> step;
  std::vector<std::size_t> component;  // of each slot, two slots a pair, even pairs first
  std::size_t even_pairs = 0;
  std::vector<std::int32_t> left;  // see DecodeArguments
  std::vector<std::int32_t> right;
  std::size_t points = 0;
  std::vector<float> mean;
  std::vector<std::int16_t> basis;

  std::size_t pairs() const { return component.size() / 2; }

  bool fold(const float * model_mean, const Components & components);
  void take(const float * model_mean, const Components & components);
};

// Sorts components into even and odd ones and vertices into left and right; false when the model
// is not symmetric.
bool Decoder::State::fold(const float * model_mean, const Components & components)
{
  const std::vector<std::int32_t> mirror = find_mirror(model_mean, vertices);
  if (mirror.empty()) {
    return false;
  }
  std::vector<std::size_t> even, odd;
  for (std::size_t k = 0; k < components.count(); ++k) {
    if (mirrors(components.of(k), mirror, 1)) {
      even.push_back(k);
    } else if (mirrors(components.of(k), mirror, -1)) {
      odd.push_back(k);
    } else {
      return false;
    }
  }
  for (std::vector<std::size_t> * kind : {&even, &odd}) {
    kind->resize((kind->size() + 1) / 2 * 2, kNoComponent);
    component.insert(component.end(), kind->begin(), kind->end());
  }
  even_pairs = even.size() / 2;
  for (std::size_t v = 0; v < vertices; ++v) {
    if (static_cast<std::int32_t>(v) <= mirror[v]) {
      left.push_back(static_cast<std::int32_t>(v));
      right.push_back(mirror[v]);
    }
  }
  points = left.size();
  return true;
}

void Decoder::State::take(const float * model_mean, const Components & components)
{
  const std::size_t blocks = (points + kDecodeBlock - 1) / kDecodeBlock;
  mean.assign(blocks * 3 * kDecodeBlock, 0.0F);
  basis.assign(blocks * pairs() * 3 * kDecodeBlock * 2, 0);
  for (std::size_t p = 0; p < points; ++p) {
    const std::size_t block = p / kDecodeBlock, lane = p % kDecodeBlock;
    const std::size_t vertex = left.empty() ? p : static_cast<std::size_t>(left[p]);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      mean[(block * 3 + axis) * kDecodeBlock + lane] = model_mean[3 * vertex + axis];
      for (std::size_t slot = 0; slot < component.size(); ++slot) {
        if (component[slot] != kNoComponent) {
          const std::size_t pair = block * pairs() + slot / 2;
          basis[((pair * 3 + axis) * kDecodeBlock + lane) * 2 + slot % 2] =
            components.of(component[slot])[3 * vertex + axis];
        }
      }
    }
  }
}

Decoder::Decoder(
  const float * mean, std::size_t vertices, const ComponentView & shape,
  const ComponentView & expression, const std::string & instruction_set)
: state_(std::make_unique<State>())
{
  State & state = *state_;
  state.kernels = &kernels_named(instruction_set);
  state.vertices = vertices;
  state.shape_count = shape.count;
  state.step.assign(shape.step, shape.step + shape.count);
  state.step.insert(state.step.end(), expression.step, expression.step + expression.count);
  const Components components{shape, expression, vertices};
  if (!state.fold(mean, components)) {
    state.component.resize((components.count() + 1) / 2 * 2, kNoComponent);
    std::iota(
      state.component.begin(),
      state.component.begin() + static_cast<std::ptrdiff_t>(components.count()), std::size_t{0});
    state.even_pairs = state.pairs();
    state.points = vertices;
  }
  state.take(mean, components);
}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder &&) noexcept = default;
Decoder & Decoder::operator=(Decoder &&) noexcept = default;

std::size_t Decoder::vertex_count() const { return state_->vertices; }

bool Decoder::is_symmetric() const { return !state_->left.empty(); }

void Decoder::decode(
  const std::array<float, 12> & camera_matrix, const float * shape, const float * expression,
  float * out) const
{
  const State & state = *state_;
  std::vector<std::int32_t> weights(state.pairs());
  std::vector<float> scale(state.pairs());
  for (std::size_t pair = 0; pair < state.pairs(); ++pair) {
    float metres[2] = {0.0F, 0.0F};
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t k = state.component[2 * pair + half];
      if (k != kNoComponent) {
        metres[half] =
          state.step[k] * (k < state.shape_count ? shape[k] : expression[k - state.shape_count]);
      }
    }
    const float largest = std::max(std::fabs(metres[0]), std::fabs(metres[1]));
    constexpr float kFullScale = 32767.0F;
    scale[pair] = largest / kFullScale;
    std::uint32_t halves[2] = {0, 0};
    for (std::size_t half = 0; half < 2; ++half) {
      const float relative = metres[half] / largest * kFullScale;
      // Not so where both are 0.
      if (std::fabs(relative) <= kFullScale) {
        halves[half] = static_cast<std::uint32_t>(std::lround(relative)) & 0xffffU;
      }
    }
    weights[pair] = static_cast<std::int32_t>(halves[0] | (halves[1] << 16));
  }
  DecodeArguments arguments{};
  arguments.mean = state.mean.data();
  arguments.basis = state.basis.data();
  arguments.even_pairs = state.even_pairs;
  arguments.odd_pairs = state.pairs() - state.even_pairs;
  arguments.weights = weights.data();
  arguments.scale = scale.data();
  arguments.camera = camera_matrix.data();
  arguments.points = state.points;
  arguments.left = state.left.empty() ? nullptr : state.left.data();
  arguments.right = state.right.data();
  arguments.out = out;
  state.kernels->decode(arguments);
}

}  // namespace face_recon
