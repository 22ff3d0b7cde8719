// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Eight lanes in plain C++: the definition that the other instruction sets reproduce.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace face_recon
{
namespace
{

struct Portable
{
  struct Int
  {
    std::int32_t lane[8];
  };
  struct Float
  {
    float lane[8];
  };

  template <typename Operation>
  static Int ints(Operation operation)
  {
    Int result;
    for (int i = 0; i < 8; ++i) {
      result.lane[i] = operation(i);
    }
    return result;
  }

  template <typename Operation>
  static Float floats(Operation operation)
  {
    Float result;
    for (int i = 0; i < 8; ++i) {
      result.lane[i] = operation(i);
    }
    return result;
  }

  static std::int32_t wrap(std::uint32_t value) { return static_cast<std::int32_t>(value); }
  static std::uint32_t bits(std::int32_t value) { return static_cast<std::uint32_t>(value); }

  static Int load(const std::int32_t * from)
  {
    Int result;
    std::memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(std::int32_t * to, const Int & a) { std::memcpy(to, &a, sizeof a); }
  // Four lanes from each address.
  static Int load_halves(const std::int32_t * low, const std::int32_t * high)
  {
    Int result;
    std::memcpy(result.lane, low, 4 * sizeof(std::int32_t));
    std::memcpy(result.lane + 4, high, 4 * sizeof(std::int32_t));
    return result;
  }
  static void store_halves(std::int32_t * low, std::int32_t * high, const Int & a)
  {
    std::memcpy(low, a.lane, 4 * sizeof(std::int32_t));
    std::memcpy(high, a.lane + 4, 4 * sizeof(std::int32_t));
  }
  static Int set(std::int32_t value)
  {
    return ints([&](int) { return value; });
  }
  static Int iota()
  {
    return ints([](int i) { return i; });
  }
  static Int add(const Int & a, const Int & b)
  {
    return ints([&](int i) { return wrap(bits(a.lane[i]) + bits(b.lane[i])); });
  }
  static Int sub(const Int & a, const Int & b)
  {
    return ints([&](int i) { return wrap(bits(a.lane[i]) - bits(b.lane[i])); });
  }
  static Int mul(const Int & a, const Int & b)
  {
    return ints([&](int i) { return wrap(bits(a.lane[i]) * bits(b.lane[i])); });
  }
  static Int bit_and(const Int & a, const Int & b)
  {
    return ints([&](int i) { return a.lane[i] & b.lane[i]; });
  }
  static Int bit_or(const Int & a, const Int & b)
  {
    return ints([&](int i) { return a.lane[i] | b.lane[i]; });
  }
  // b where a is 0.
  static Int and_not(const Int & a, const Int & b)
  {
    return ints([&](int i) { return ~a.lane[i] & b.lane[i]; });
  }
  template <int Count>
  static Int shift_left(const Int & a)
  {
    return ints([&](int i) { return wrap(bits(a.lane[i]) << Count); });
  }
  template <int Count>
  static Int shift_right(const Int & a)
  {
    return ints([&](int i) { return a.lane[i] >> Count; });
  }
  template <int Count>
  static Int shift_right_unsigned(const Int & a)
  {
    return ints([&](int i) { return wrap(bits(a.lane[i]) >> Count); });
  }
  // Comparisons give -1 or 0.
  static Int greater(const Int & a, const Int & b)
  {
    return ints([&](int i) { return a.lane[i] > b.lane[i] ? -1 : 0; });
  }
  static Int equal(const Int & a, const Int & b)
  {
    return ints([&](int i) { return a.lane[i] == b.lane[i] ? -1 : 0; });
  }
  static Int max_unsigned(const Int & a, const Int & b)
  {
    return ints([&](int i) { return bits(a.lane[i]) > bits(b.lane[i]) ? a.lane[i] : b.lane[i]; });
  }
  // Bit i is the sign of lane i.
  static unsigned signs(const Int & a)
  {
    unsigned result = 0;
    for (int i = 0; i < 8; ++i) {
      result |= (bits(a.lane[i]) >> 31) << i;
    }
    return result;
  }
  static Int gather(const std::int32_t * base, const std::int32_t * index)
  {
    return ints([&](int i) { return base[index[i]]; });
  }
  // The lanes of the mask, packed, to `to`; up to eight words there are overwritten.
  static void store_packed(std::int32_t * to, const Int & a, unsigned mask)
  {
    for (int i = 0; i < 8; ++i) {
      *to = a.lane[i];
      to += (mask >> i) & 1U;
    }
  }

  // Pairs of 16 bits: x in the low half of a lane, y in the high half.
  static std::int32_t low(std::int32_t a) { return static_cast<std::int16_t>(a & 0xffff); }
  static std::int32_t high(std::int32_t a) { return a >> 16; }
  static std::int32_t pair(std::int32_t x, std::int32_t y)
  {
    return wrap((bits(x) & 0xffffU) | (bits(y) << 16));
  }
  template <typename Operation>
  static Int pairs(const Int & a, const Int & b, Operation operation)
  {
    return ints([&](int i) {
      return pair(
        operation(low(a.lane[i]), low(b.lane[i])), operation(high(a.lane[i]), high(b.lane[i])));
    });
  }
  static Int add_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](std::int32_t p, std::int32_t q) { return p + q; });
  }
  static Int sub_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](std::int32_t p, std::int32_t q) { return p - q; });
  }
  static Int min_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](std::int32_t p, std::int32_t q) { return p < q ? p : q; });
  }
  static Int max_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](std::int32_t p, std::int32_t q) { return p > q ? p : q; });
  }
  template <int Count>
  static Int shift_right_pairs(const Int & a)
  {
    return ints([&](int i) { return pair(low(a.lane[i]) >> Count, high(a.lane[i]) >> Count); });
  }
  template <int Count>
  static Int shift_left_pairs(const Int & a)
  {
    return ints([&](int i) {
      return pair(wrap(bits(low(a.lane[i])) << Count), wrap(bits(high(a.lane[i])) << Count));
    });
  }
  // a.x * b.y - a.y * b.x
  static Int cross_pairs(const Int & a, const Int & b)
  {
    return ints(
      [&](int i) { return low(a.lane[i]) * high(b.lane[i]) - high(a.lane[i]) * low(b.lane[i]); });
  }

  static Int load_pairs(const std::int16_t * from)
  {
    return ints([&](int i) { return pair(from[2 * i], from[2 * i + 1]); });
  }
  // a.x * b.x + a.y * b.y
  static Int dot_pairs(const Int & a, const Int & b)
  {
    return ints([&](int i) {
      return wrap(bits(low(a.lane[i]) * low(b.lane[i])) + bits(high(a.lane[i]) * high(b.lane[i])));
    });
  }

  static Float load(const float * from)
  {
    Float result;
    std::memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(float * to, const Float & a) { std::memcpy(to, &a, sizeof a); }
  static Float set(float value)
  {
    return floats([&](int) { return value; });
  }
  static Float add(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Float sub(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Float mul(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static Float div(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  // The second where the comparison fails, so also for NaN.
  static Float min(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Float max(const Float & a, const Float & b)
  {
    return floats([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Float abs(const Float & a)
  {
    return floats([&](int i) { return std::fabs(a.lane[i]); });
  }
  static Int less_equal(const Float & a, const Float & b)
  {
    return ints([&](int i) { return a.lane[i] <= b.lane[i] ? -1 : 0; });
  }
  static Float to_float(const Int & a)
  {
    return floats([&](int i) { return static_cast<float>(a.lane[i]); });
  }
  static Int truncate(const Float & a)
  {
    return ints([&](int i) { return static_cast<std::int32_t>(a.lane[i]); });
  }
  static Int to_bits(const Float & a)
  {
    Int result;
    std::memcpy(&result, &a, sizeof a);
    return result;
  }
  static Float from_bits(const Int & a)
  {
    Float result;
    std::memcpy(&result, &a, sizeof a);
    return result;
  }

  // Eight points (x, y, z), one after the other.
  static void store_points(float * to, const Float & x, const Float & y, const Float & z)
  {
    for (int i = 0; i < 8; ++i) {
      to[3 * i] = x.lane[i];
      to[3 * i + 1] = y.lane[i];
      to[3 * i + 2] = z.lane[i];
    }
  }

  // Eight points (x, y, z), each at base[offset]. Beyond: a word after each may be read.
  template <bool Beyond>
  static void load_points(
    const float * base, const std::int32_t * offset, Float & x, Float & y, Float & z)
  {
    for (int i = 0; i < 8; ++i) {
      const float * point = base + offset[i];
      x.lane[i] = point[0];
      y.lane[i] = point[1];
      z.lane[i] = point[2];
    }
  }

  // to - from for eight such pairs.
  template <bool Beyond>
  static void load_chords(
    const float * base, const std::int32_t * from, const std::int32_t * to, Float & x, Float & y,
    Float & z)
  {
    for (int i = 0; i < 8; ++i) {
      const float * start = base + from[i];
      const float * end = base + to[i];
      x.lane[i] = end[0] - start[0];
      y.lane[i] = end[1] - start[1];
      z.lane[i] = end[2] - start[2];
    }
  }
};

}  // namespace
}  // namespace face_recon
