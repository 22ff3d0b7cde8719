// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "assignment.hpp"

#include <limits>

namespace face_recon
{

namespace
{

// Of no more rows than columns: the row of each column, kNoColumn where none.
template <typename Cost>
std::vector<std::size_t> rows_of_columns(std::size_t rows, std::size_t columns, const Cost & cost)
{
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  // potentials, and the row that each column has; the last column stands for the row to be placed
  std::vector<double> of_row(rows, 0);
  std::vector<double> of_column(columns + 1, 0);
  std::vector<std::size_t> row_of(columns + 1, kNoColumn);
  std::vector<std::size_t> before(columns);
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<double> least(columns, kInfinity);
    std::vector<bool> reached(columns + 1, false);
    std::size_t at = columns;
    row_of[at] = row;
    while (row_of[at] != kNoColumn) {
      reached[at] = true;
      const std::size_t from = row_of[at];
      double step = kInfinity;
      std::size_t next = columns;
      for (std::size_t column = 0; column < columns; ++column) {
        if (reached[column]) {
          continue;
        }
        const double reduced = cost(from, column) - of_row[from] - of_column[column];
        if (reduced < least[column]) {
          least[column] = reduced;
          before[column] = at;
        }
        if (least[column] < step) {
          step = least[column];
          next = column;
        }
      }
      for (std::size_t column = 0; column <= columns; ++column) {
        if (reached[column]) {
          of_row[row_of[column]] += step;
          of_column[column] -= step;
        } else if (column < columns) {
          least[column] -= step;
        }
      }
      at = next;
    }
    while (at != columns) {
      row_of[at] = row_of[before[at]];
      at = before[at];
    }
    row_of[columns] = kNoColumn;
  }
  row_of.pop_back();
  return row_of;
}

}  // namespace

std::vector<std::size_t> assign(const double * cost, std::size_t rows, std::size_t columns)
{
  if (rows > columns) {
    return rows_of_columns(columns, rows, [=](std::size_t column, std::size_t row) {
      return cost[row * columns + column];
    });
  }
  const auto row_of = rows_of_columns(rows, columns, [=](std::size_t row, std::size_t column) {
    return cost[row * columns + column];
  });
  std::vector<std::size_t> column_of(rows, kNoColumn);
  for (std::size_t column = 0; column < columns; ++column) {
    if (row_of[column] != kNoColumn) {
      column_of[row_of[column]] = column;
    }
  }
  return column_of;
}

}  // namespace face_recon
