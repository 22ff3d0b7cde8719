// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Dense vertices from the 62 parameters of a face.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace face_recon
{

// One set of components: displacement of vertex v by component k at a coefficient of one standard
// deviation is basis[(k * vertices + v) * 3 + axis] * step[k], in metres.
struct ComponentView
{
  const std::int16_t * basis = nullptr;
  const float * step = nullptr;
  std::size_t count = 0;
};

// A model that is exactly its own mirror image - mean, and each component up to its sign - is kept
// as one half, which is half the memory to read; the constructor finds that out.
//
// Coefficients are rounded to 1/32767 of the larger one of a pair of components, in metres: a
// component that moves a vertex by 30 mm is off by at most 0.5 um.
class Decoder
{
public:
  Decoder(
    const float * mean, std::size_t vertices, const ComponentView & shape,
    const ComponentView & expression, const std::string & instruction_set);
  ~Decoder();
  Decoder(Decoder &&) noexcept;
  Decoder & operator=(Decoder &&) noexcept;

  std::size_t vertex_count() const;
  bool is_symmetric() const;

  // out (V, 3) = camera_matrix (3x4, row-major) * [mean + components * coefficients; 1].
  void decode(
    const std::array<float, 12> & camera_matrix, const float * shape, const float * expression,
    float * out) const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace face_recon
