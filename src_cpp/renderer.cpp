// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "renderer.hpp"

#include <algorithm>
#include <utility>

#include "exact_path.hpp"
#include "fast_path.hpp"
#include "kernels.hpp"
#include "topology.hpp"

namespace face_recon
{

std::vector<std::string> instruction_sets()
{
  std::vector<std::string> names;
  for (const Kernels * kernels : available_kernels()) {
    names.emplace_back(kernels->name);
  }
  return names;
}

struct Renderer::State
{
  Topology topology;
  FastPath fast;
  ExactPath exact;

  State(Topology t, const Kernels & kernels, std::size_t threads)
  : topology(std::move(t)), fast(kernels, threads)
  {
  }
};

Renderer::Renderer(
  const std::int32_t * triangles, std::size_t count, const std::string & instruction_set,
  int threads, const std::int32_t * surface, std::size_t surface_count)
: state_(
    std::make_unique<State>(
      analyse_topology(triangles, count, surface, surface_count), kernels_named(instruction_set),
      static_cast<std::size_t>(std::max(1, threads))))
{
}

Renderer::~Renderer() = default;
Renderer::Renderer(Renderer &&) noexcept = default;
Renderer & Renderer::operator=(Renderer &&) noexcept = default;

std::int64_t Renderer::required_vertices() const { return state_->topology.required_vertices; }

void Renderer::draw(
  const std::vector<Face> & faces, const Shading & shading, const Outputs & outputs)
{
  if (!state_->fast.draw(state_->topology, faces, shading, outputs)) {
    state_->exact.draw(state_->topology, faces, shading, outputs);
  }
}

}  // namespace face_recon
