// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "crop.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "floating_point.hpp"

namespace face_recon
{

namespace
{

// Rows of the blur, and before and after its middle.
constexpr std::size_t kReach = 3;
constexpr std::size_t kTaps = 2 * kReach + 1;
constexpr std::size_t kRing = 8;
// Places further away are outside of any image; sums of kLargestCrop steps stay in 64 bits.
constexpr double kFarPx = 1 << 20;

// A place or step in units of 2^-kPlaceBits px; what is none is far away.
std::int64_t fixed(double px)
{
  const double near = std::isnan(px) ? kFarPx : std::clamp(px, -kFarPx, kFarPx);
  return std::llround(std::ldexp(near, kPlaceBits));
}

// Weights of the middle and of its neighbours on either side, whose sum is 1.
std::array<float, kReach + 1> gaussian(double sigma_px)
{
  std::array<double, kReach + 1> weights{};
  double sum = 0;
  for (std::size_t k = 0; k <= kReach; ++k) {
    const auto off = static_cast<double>(k);
    weights[k] = std::exp(-off * off / (2 * sigma_px * sigma_px));
    sum += k == 0 ? weights[k] : 2 * weights[k];
  }
  std::array<float, kReach + 1> rounded{};
  for (std::size_t k = 0; k <= kReach; ++k) {
    rounded[k] = static_cast<float>(weights[k] / sum);
  }
  return rounded;
}

// The index of a row or pixel that may lie outside, mirrored about the outer ones.
std::size_t mirrored(std::ptrdiff_t index, std::size_t size)
{
  const auto last = static_cast<std::ptrdiff_t>(size) - 1;
  const std::ptrdiff_t inside = index < 0 ? -index : index;
  return static_cast<std::size_t>(inside > last ? 2 * last - inside : inside);
}

// The rows of a crop, one after the other.
class Sampler
{
public:
  Sampler(
    const BgrImage & image, const std::array<double, 9> & map, std::size_t width,
    const Kernels & kernels)
  : map_(map), kernels_(kernels), width_(width)
  {
    arguments_.image = image.pixels;
    arguments_.row_bytes = image.row_bytes;
    arguments_.width = image.width;
    arguments_.height = image.height;
  }

  // Writes one float beyond the row, too.
  void sample(std::size_t row, float * out)
  {
    const auto v = static_cast<double>(row);
    if (map_[6] == 0 && map_[7] == 0) {
      const double unit = 1 / map_[8];
      part(
        {unit * (map_[1] * v + map_[2]), unit * (map_[4] * v + map_[5])},
        {unit * map_[0], unit * map_[3]}, width_, out);
      return;
    }
    auto from = place(0, v);
    const std::size_t straight = straight_px(v);
    for (std::size_t u = 0; u < width_; u += straight) {
      const std::size_t count = std::min(straight, width_ - u);
      const auto length = static_cast<double>(count);
      const auto to = place(static_cast<double>(u) + length, v);
      part(from, {(to[0] - from[0]) / length, (to[1] - from[1]) / length}, count, out + 3 * u);
      from = to;
    }
  }

private:
  using Place = std::array<double, 2>;

  // Over how many pixels a row of a homography is a line, to within a sixteenth of a pixel.
  std::size_t straight_px(double v) const
  {
    constexpr double kFourTimesOff = 0.25;
    constexpr double kLeastPx = 8;
    const auto last = static_cast<double>(width_);
    const double first_depth = map_[7] * v + map_[8];
    const double depth = std::min(std::fabs(first_depth), std::fabs(map_[6] * last + first_depth));
    const double most = std::sqrt(kFourTimesOff * depth / std::fabs(map_[6]));
    return static_cast<std::size_t>(most > kLeastPx ? std::min(most, last) : kLeastPx);
  }

  Place place(double u, double v) const
  {
    const double unit = 1 / (map_[6] * u + map_[7] * v + map_[8]);
    return {
      unit * (map_[0] * u + map_[1] * v + map_[2]), unit * (map_[3] * u + map_[4] * v + map_[5])};
  }

  void part(const Place & from, const Place & step, std::size_t count, float * out)
  {
    constexpr std::int64_t kHalf = std::int64_t{1} << (kPlaceBits - kSampleWeightBits / 2 - 1);
    arguments_.x = fixed(from[0]) + kHalf;
    arguments_.y = fixed(from[1]) + kHalf;
    arguments_.step_x = fixed(step[0]);
    arguments_.step_y = fixed(step[1]);
    arguments_.count = count;
    arguments_.out = out;
    kernels_.sample_row(arguments_);
  }

  const std::array<double, 9> & map_;
  const Kernels & kernels_;
  std::size_t width_;
  SampleArguments arguments_{};
};

// Rows of a crop blurred along themselves, the newest of them.
class BlurredRows
{
public:
  BlurredRows(
    Sampler & sampler, const CropSize & size, const std::array<float, kReach + 1> & weights,
    const Kernels & kernels)
  : sampler_(sampler),
    size_(size),
    weights_(weights),
    kernels_(kernels),
    row_(3 * (size.width + 2 * kReach) + 1),
    ring_(kRing * 3 * size.width)
  {
  }

  // Pointers to the rows around one that follows the last one asked for.
  std::array<const float *, kTaps> around(std::size_t middle)
  {
    const std::size_t last = std::min(middle + kReach, size_.height - 1);
    for (; made_ <= last; ++made_) {
      make(made_);
    }
    std::array<const float *, kTaps> rows{};
    for (std::size_t k = 0; k < kTaps; ++k) {
      const auto index =
        static_cast<std::ptrdiff_t>(middle + k) - static_cast<std::ptrdiff_t>(kReach);
      rows[k] = slot(mirrored(index, size_.height));
    }
    return rows;
  }

private:
  float * slot(std::size_t row) { return ring_.data() + row % kRing * 3 * size_.width; }

  void make(std::size_t row)
  {
    float * inner = row_.data() + 3 * kReach;
    sampler_.sample(row, inner);
    for (std::size_t k = 1; k <= kReach; ++k) {
      std::copy_n(inner + 3 * k, 3, inner - 3 * k);
      std::copy_n(inner + 3 * (size_.width - 1 - k), 3, inner + 3 * (size_.width - 1 + k));
    }
    kernels_.blur_row(row_.data(), slot(row), 3 * size_.width, weights_.data());
  }

  Sampler & sampler_;
  CropSize size_;
  const std::array<float, kReach + 1> & weights_;
  const Kernels & kernels_;
  std::vector<float> row_;
  std::vector<float> ring_;
  std::size_t made_ = 0;
};

}  // namespace

void crop(
  const BgrImage & image, const std::array<double, 9> & image_from_crop, const CropSize & size,
  double sigma_px, float gain, const Kernels & kernels, float * out)
{
  Sampler sampler(image, image_from_crop, size.width, kernels);
  const float unit = std::ldexp(gain, -kSampleWeightBits);
  if (!(sigma_px > 0)) {
    std::vector<float> row(3 * size.width + 1);
    for (std::size_t v = 0; v < size.height; ++v) {
      sampler.sample(v, row.data());
      std::transform(row.begin(), row.end() - 1, out + 3 * size.width * v, [&](float sum) {
        return unit * sum;
      });
    }
    return;
  }
  const auto along = gaussian(sigma_px);
  auto across = along;
  for (float & weight : across) {
    weight *= unit;
  }
  BlurredRows rows(sampler, size, along, kernels);
  for (std::size_t v = 0; v < size.height; ++v) {
    kernels.mix_rows(
      rows.around(v).data(), out + 3 * size.width * v, 3 * size.width, across.data());
  }
}

}  // namespace face_recon
