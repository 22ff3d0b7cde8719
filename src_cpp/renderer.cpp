#include "renderer.hpp"

#include <stdexcept>

#include "exact_path.hpp"
#include "fast_path.hpp"
#include "kernels.hpp"
#include "topology.hpp"

namespace face_recon
{
namespace
{

std::vector<const Kernels *> available_kernels()
{
  std::vector<const Kernels *> result;
  for (const Kernels * kernels : {avx2_kernels(), neon_kernels(), portable_kernels()}) {
    if (kernels != nullptr) {
      result.push_back(kernels);
    }
  }
  return result;
}

const Kernels & kernels_named(const std::string & name)
{
  const std::vector<const Kernels *> available = available_kernels();
  std::string names = "'auto'";
  for (const Kernels * kernels : available) {
    if (name == kernels->name || name == "auto") {
      return *kernels;
    }
    names += std::string(", '") + kernels->name + "'";
  }
  throw std::invalid_argument(
    "simd: want one of " + names + " on this machine, got '" + name + "'");
}

}  // namespace

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
