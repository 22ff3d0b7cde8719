#include "decoder.hpp"

#include <algorithm>
#include <vector>

namespace face_recon
{
namespace
{
constexpr std::size_t kBlockVertices = 64;
}

struct Decoder::State
{
  std::vector<float> mean;
  // [block][component][axis][vertex of block]: read once, front to back.
  std::vector<std::int16_t> basis;
  std::vector<float> step;
  std::size_t vertices = 0;
  std::size_t shape_count = 0;
};

Decoder::Decoder(
  const float * mean, std::size_t vertices, const ComponentView & shape,
  const ComponentView & expression)
: state_(std::make_unique<State>())
{
  State & state = *state_;
  state.vertices = vertices;
  state.shape_count = shape.count;
  state.step.assign(shape.step, shape.step + shape.count);
  state.step.insert(state.step.end(), expression.step, expression.step + expression.count);
  const std::size_t blocks = (vertices + kBlockVertices - 1) / kBlockVertices;
  state.mean.assign(blocks * kBlockVertices * 3, 0.0F);
  state.basis.assign(state.step.size() * blocks * kBlockVertices * 3, 0);
  for (std::size_t v = 0; v < vertices; ++v) {
    const std::size_t block = v / kBlockVertices, lane = v % kBlockVertices;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      state.mean[(block * 3 + axis) * kBlockVertices + lane] = mean[3 * v + axis];
      for (std::size_t k = 0; k < state.step.size(); ++k) {
        const std::int16_t value =
          k < shape.count ? shape.basis[(k * vertices + v) * 3 + axis]
                          : expression.basis[((k - shape.count) * vertices + v) * 3 + axis];
        state.basis[((block * state.step.size() + k) * 3 + axis) * kBlockVertices + lane] = value;
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
  constexpr std::size_t kBlockValues = 3 * kBlockVertices;
  const std::size_t components = state.step.size();
  for (std::size_t first = 0; first < state.vertices; first += kBlockVertices) {
    const std::size_t block = first / kBlockVertices;
    float model[kBlockValues];
    std::copy_n(&state.mean[block * kBlockValues], kBlockValues, model);
    const std::int16_t * basis = &state.basis[block * components * kBlockValues];
    for (std::size_t k = 0; k < components; ++k, basis += kBlockValues) {
      const float weight =
        state.step[k] * (k < state.shape_count ? shape[k] : expression[k - state.shape_count]);
      for (std::size_t i = 0; i < kBlockValues; ++i) {
        model[i] += weight * static_cast<float>(basis[i]);
      }
    }
    const std::size_t lanes = std::min(kBlockVertices, state.vertices - first);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (std::size_t row = 0; row < 3; ++row) {
        const float * c = &camera_matrix[4 * row];
        out[3 * (first + lane) + row] = c[0] * model[lane] + c[1] * model[kBlockVertices + lane] +
                                        c[2] * model[2 * kBlockVertices + lane] + c[3];
      }
    }
  }
}

}  // namespace face_recon
