#include "renderer.hpp"

#include <stdexcept>

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
};

Renderer::Renderer(
  const std::int32_t * triangles, std::size_t count, const std::string & instruction_set, int)
: state_(new State{
    analyse_topology(triangles, count), FastPath(kernels_named(instruction_set)), ExactPath()})
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
