#include "decoder.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels.hpp"

namespace face_recon
{

struct Decoder::State
{
  const Kernels * kernels;
  std::vector<float> mean;
  std::vector<std::int16_t> basis;
  std::vector<float> step;
  std::size_t vertices = 0;
  std::size_t shape_count = 0;

  std::size_t pairs() const { return (step.size() + 1) / 2; }
};

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
  const std::size_t blocks = (vertices + kDecodeBlock - 1) / kDecodeBlock;
  state.mean.assign(blocks * 3 * kDecodeBlock, 0.0F);
  state.basis.assign(blocks * state.pairs() * 3 * kDecodeBlock * 2, 0);
  for (std::size_t v = 0; v < vertices; ++v) {
    const std::size_t block = v / kDecodeBlock, lane = v % kDecodeBlock;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      state.mean[(block * 3 + axis) * kDecodeBlock + lane] = mean[3 * v + axis];
      for (std::size_t k = 0; k < state.step.size(); ++k) {
        const ComponentView & set = k < shape.count ? shape : expression;
        const std::size_t row = k < shape.count ? k : k - shape.count;
        const std::size_t pair = block * state.pairs() + k / 2;
        state.basis[((pair * 3 + axis) * kDecodeBlock + lane) * 2 + k % 2] =
          set.basis[(row * vertices + v) * 3 + axis];
      }
    }
  }
}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder &&) noexcept = default;
Decoder & Decoder::operator=(Decoder &&) noexcept = default;

std::size_t Decoder::vertex_count() const { return state_->vertices; }

void Decoder::decode(
  const std::array<float, 12> & camera_matrix, const float * shape, const float * expression,
  float * out) const
{
  const State & state = *state_;
  std::vector<std::int32_t> weights(state.pairs());
  std::vector<float> scale(state.pairs());
  for (std::size_t pair = 0; pair < state.pairs(); ++pair) {
    float metres[2] = {0.0F, 0.0F};
    for (std::size_t k = 2 * pair; k < std::min(2 * pair + 2, state.step.size()); ++k) {
      const float coefficient =
        k < state.shape_count ? shape[k] : expression[k - state.shape_count];
      metres[k % 2] = state.step[k] * coefficient;
    }
    const float largest = std::max(std::fabs(metres[0]), std::fabs(metres[1]));
    constexpr float kFullScale = 32767.0F;
    scale[pair] = largest / kFullScale;
    std::uint32_t halves[2] = {0, 0};
    for (std::size_t k = 0; k < 2; ++k) {
      const float relative = metres[k] / largest * kFullScale;
      // Not so where both are 0.
      if (std::fabs(relative) <= kFullScale) {
        halves[k] = static_cast<std::uint32_t>(std::lround(relative)) & 0xffffU;
      }
    }
    weights[pair] = static_cast<std::int32_t>(halves[0] | (halves[1] << 16));
  }
  DecodeArguments arguments{};
  arguments.mean = state.mean.data();
  arguments.basis = state.basis.data();
  arguments.pairs = state.pairs();
  arguments.weights = weights.data();
  arguments.scale = scale.data();
  arguments.camera = camera_matrix.data();
  arguments.vertices = state.vertices;
  arguments.out = out;
  state.kernels->decode(arguments);
}

}  // namespace face_recon
