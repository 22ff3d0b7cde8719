// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the test programs share: checks, random numbers, and rounds that can be had again.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

#include "../small_algebra.hpp"

namespace face_recon_test
{

inline int failures = 0;

inline void check(bool holds, const std::string & what)
{
  if (!holds) {
    std::fprintf(stderr, "FAILED: %s\n", what.c_str());
    ++failures;
  }
}

class Random
{
public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Both ends belong to it.
  template <typename Integer>
  Integer integer(Integer low, Integer high)
  {
    return std::uniform_int_distribution<Integer>(low, high)(engine_);
  }
  template <typename Real>
  Real real(Real low, Real high)
  {
    static_assert(std::is_floating_point_v<Real>);
    return std::uniform_real_distribution<Real>(low, high)(engine_);
  }
  bool chance(double probability) { return real(0.0, 1.0) < probability; }

private:
  std::mt19937_64 engine_;
};

// Mostly ordinary.
inline double anything(Random & random, double low, double high)
{
  if (!random.chance(0.004)) {
    return random.real(low, high);
  }
  constexpr std::array<double, 6> kOdd = {
    0,
    -1e300,
    1e300,
    1e-300,
    std::numeric_limits<double>::infinity(),
    std::numeric_limits<double>::quiet_NaN()};
  return kOdd[random.integer<std::size_t>(0, kOdd.size() - 1)];
}

// How far a matrix is from a rotation.
inline double distance_from_rotation(const face_recon::Matrix3 & m)
{
  using face_recon::operator*;
  const face_recon::Matrix3 product = m * face_recon::transposed(m);
  double worst = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    worst = std::max(worst, std::fabs(product[i] - (i % 4 == 0 ? 1 : 0)));
  }
  const double determinant = m[0] * (m[4] * m[8] - m[5] * m[7]) -
                             m[1] * (m[3] * m[8] - m[5] * m[6]) +
                             m[2] * (m[3] * m[7] - m[4] * m[6]);
  return std::max(worst, std::fabs(determinant - 1));
}

template <typename Numbers>
bool finite(const Numbers & numbers)
{
  for (const double number : numbers) {
    if (!std::isfinite(number)) {
      return false;
    }
  }
  return true;
}

// The command line of a test program: rounds of fuzzing, seed.
struct Rounds
{
  long count;
  std::uint64_t seed;

  Rounds(int argument_count, char ** arguments)
  : count(argument_count > 1 ? std::strtol(arguments[1], nullptr, 10) : 2000),
    seed(argument_count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1)
  {
    std::printf("%ld rounds, seed %llu\n", count, static_cast<unsigned long long>(seed));
  }

  // Calls round(random, name) and returns the exit status of the program, earlier checks included.
  template <typename Round>
  int run(Round round) const
  {
    constexpr int kMostFailures = 10;
    for (long i = 0; i < count && failures < kMostFailures; ++i) {
      // A seed of its own, so that one round can be had again.
      const std::uint64_t own = seed + static_cast<std::uint64_t>(i);
      Random random(own);
      round(random, "seed " + std::to_string(own));
    }
    if (failures == 0) {
      std::puts("passed");
      return EXIT_SUCCESS;
    }
    std::printf("%d failures\n", failures);
    return EXIT_FAILURE;
  }
};

}  // namespace face_recon_test
