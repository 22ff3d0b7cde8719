// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A matrix in single precision, for products with vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels.hpp"

namespace face_recon
{

class FloatMatrix
{
public:
  // values (rows, columns), row by row.
  FloatMatrix(
    const double * values, std::size_t rows, std::size_t columns,
    const Kernels & kernels = kernels_named("auto"))
  : kernels_(&kernels),
    columns_(columns),
    padded_rows_(padded(rows, kProductRows)),
    padded_columns_(padded(columns, kProductColumns)),
    values_(padded_rows_ * padded_columns_)
  {
    for (std::size_t row = 0; row < rows; ++row) {
      std::transform(
        values + row * columns, values + (row + 1) * columns, &values_[row * padded_columns_],
        [](double value) { return static_cast<float>(value); });
    }
  }

  // The product with a vector (columns,); at least `rows` values.
  std::vector<float> times(const double * vector) const
  {
    std::vector<float> factors(padded_columns_);
    std::transform(vector, vector + columns_, factors.begin(), [](double value) {
      return static_cast<float>(value);
    });
    std::vector<float> products(padded_rows_);
    kernels_->products(
      values_.data(), factors.data(), padded_rows_, padded_columns_, products.data());
    return products;
  }

private:
  static std::size_t padded(std::size_t count, std::size_t step)
  {
    return (count + step - 1) / step * step;
  }

  const Kernels * kernels_;
  std::size_t columns_;
  std::size_t padded_rows_;
  std::size_t padded_columns_;
  std::vector<float> values_;
};

}  // namespace face_recon
