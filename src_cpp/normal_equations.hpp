// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Normal equations of linear least squares with many unknowns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace face_recon
{

constexpr std::size_t kProductTile = 4;

// Adds to the lower half of a symmetric matrix (stride, stride) the products of rows and weighted
// rows (count, stride); stride: a multiple of kProductTile.
inline void add_products(
  const double * rows, const double * weighted, std::size_t count, std::size_t stride,
  double * sums)
{
  for (std::size_t top = 0; top < stride; top += kProductTile) {
    for (std::size_t left = 0; left <= top; left += kProductTile) {
      // few enough to stay in registers
      double tile[kProductTile][kProductTile] = {};
      const double * a = weighted + top;
      const double * b = rows + left;
      for (std::size_t n = 0; n < count; ++n, a += stride, b += stride) {
        for (std::size_t i = 0; i < kProductTile; ++i) {
          for (std::size_t j = 0; j < kProductTile; ++j) {
            tile[i][j] += a[i] * b[j];
          }
        }
      }
      for (std::size_t i = 0; i < kProductTile; ++i) {
        for (std::size_t j = 0; j < kProductTile; ++j) {
          sums[(top + i) * stride + left + j] += tile[i][j];
        }
      }
    }
  }
}

// Gauss elimination of the first rows of a symmetric matrix (size, size), whose rows are stride apart;
// lower halves count. False: they are not determined.
inline bool eliminate(std::size_t first, std::size_t size, std::size_t stride, double * matrix)
{
  for (std::size_t p = 0; p < first; ++p) {
    const double pivot = matrix[p * stride + p];
    if (!(pivot > 0.0)) {
      return false;
    }
    for (std::size_t i = p + 1; i < size; ++i) {
      double * const row = matrix + i * stride;
      const double factor = row[p] / pivot;
      for (std::size_t j = p + 1; j <= i; ++j) {
        row[j] -= factor * matrix[j * stride + p];
      }
    }
  }
  return true;
}

// Equations are taken in one by one; their values are one more unknown. Lower halves count.
class NormalEquations
{
public:
  explicit NormalEquations(std::size_t unknowns)
  : unknowns_(unknowns),
    stride_((unknowns + kProductTile) / kProductTile * kProductTile),
    sums_(stride_ * stride_),
    rows_(kBlock * stride_),
    weighted_(kBlock * stride_)
  {
  }

  std::size_t unknowns() const { return unknowns_; }

  // Where the next equation is written: its coefficients, then its value.
  double * next() { return &rows_[held_ * stride_]; }

  // Take it in.
  void add(double weight)
  {
    const double * const row = next();
    std::transform(row, row + stride_, &weighted_[held_ * stride_], [weight](double number) {
      return weight * number;
    });
    if (++held_ == kBlock) {
      flush();
    }
  }

  // To be called once after the last.
  void flush()
  {
    add_products(rows_.data(), weighted_.data(), held_, stride_, sums_.data());
    held_ = 0;
  }

  // i >= j.
  double & information(std::size_t i, std::size_t j) { return sums_[i * stride_ + j]; }
  double & vector(std::size_t i) { return sums_[unknowns_ * stride_ + i]; }

  bool eliminate(std::size_t first)
  {
    return face_recon::eliminate(first, unknowns_ + 1, stride_, sums_.data());
  }

private:
  static constexpr std::size_t kBlock = 32;

  std::size_t unknowns_;
  std::size_t stride_;
  std::vector<double> sums_;
  std::vector<double> rows_;
  std::vector<double> weighted_;
  std::size_t held_ = 0;
};

}  // namespace face_recon
