// The inner loops over a type of eight lanes (simd_*.hpp). Included once per instruction set, each
// time in an unnamed namespace, so that no copy compiled for one processor is linked for another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "screen_space.hpp"
#include "shading.hpp"
#include "topology.hpp"

namespace face_recon
{
namespace
{

constexpr std::size_t kLanes = 8;

template <typename Simd>
struct Loops
{
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  // --- vertices ----------------------------------------------------------------------------------

  static Bounds bounds(const float * vertices, std::size_t count)
  {
    // Eight points are three registers; lane l of register r holds axis (8 * r + l) % 3.
    Float low[3], high[3];
    Int usable = Simd::set(-1);
    const Float limit = Simd::set(kCoordinateLimitPx);
    for (int r = 0; r < 3; ++r) {
      low[r] = Simd::set(kCoordinateLimitPx);
      high[r] = Simd::set(-kCoordinateLimitPx);
    }
    const std::size_t whole = count / kLanes * kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t r = 0; r < 3; ++r) {
        const Float values = Simd::load(vertices + 3 * i + kLanes * r);
        usable = Simd::bit_and(usable, Simd::less_equal(Simd::abs(values), limit));
        low[r] = Simd::min(values, low[r]);
        high[r] = Simd::max(values, high[r]);
      }
    }
    Bounds result;
    result.usable = Simd::signs(usable) == 0xffU;
    for (int axis = 0; axis < 3; ++axis) {
      result.low[axis] = kCoordinateLimitPx;
      result.high[axis] = -kCoordinateLimitPx;
    }
    const auto include = [&](std::size_t axis, float smallest, float largest) {
      result.low[axis] = smallest < result.low[axis] ? smallest : result.low[axis];
      result.high[axis] = largest > result.high[axis] ? largest : result.high[axis];
    };
    for (std::size_t r = 0; r < 3; ++r) {
      float smallest[kLanes], largest[kLanes];
      Simd::store(smallest, low[r]);
      Simd::store(largest, high[r]);
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        include((kLanes * r + lane) % 3, smallest[lane], largest[lane]);
      }
    }
    for (std::size_t i = 3 * whole; i < 3 * count; ++i) {
      if (!(std::fabs(vertices[i]) <= kCoordinateLimitPx)) {
        result.usable = false;
      }
      include(i % 3, vertices[i], vertices[i]);
    }
    return result;
  }

  static Int floor(Float a)
  {
    const Int towards_zero = Simd::truncate(a);
    const Int not_above = Simd::less_equal(Simd::to_float(towards_zero), a);
    return Simd::sub(Simd::sub(towards_zero, Simd::set(1)), not_above);
  }

  static Int snapped(Float coordinate)
  {
    return floor(
      Simd::add(
        Simd::mul(coordinate, Simd::set(static_cast<float>(kSubpixels))), Simd::set(0.5F)));
  }

  static Float dot(Float x, Float y, Float z, const Float (&with)[3])
  {
    return Simd::add(
      Simd::add(Simd::mul(x, with[0]), Simd::mul(y, with[1])), Simd::mul(z, with[2]));
  }

  struct Light
  {
    Float towards[3];
    Float halfway[3];
    Float ambient, diffuse, specular;

    explicit Light(const PlaceArguments & arguments)
    : ambient(Simd::set(arguments.ambient)),
      diffuse(Simd::set(arguments.diffuse)),
      specular(Simd::set(arguments.specular))
    {
      for (int k = 0; k < 3; ++k) {
        towards[k] = Simd::set(arguments.towards_light[k]);
        halfway[k] = Simd::set(arguments.halfway[k]);
      }
    }
  };

  // 1 / sqrt(a), relative error below 7e-4 (a fifth of a grey level): one Newton step from a first
  // guess by the exponent, constants by Kadlec, "Improving the fast inverse square root" (2010).
  // All instruction sets can do this alike and sooner than by root and division.
  static Float inverse_root(Float a)
  {
    const Float guess = Simd::from_bits(
      Simd::sub(Simd::set(0x5f1ffff9), Simd::template shift_right<1>(Simd::to_bits(a))));
    const Float product = Simd::mul(Simd::mul(a, guess), guess);
    return Simd::mul(
      Simd::mul(guess, Simd::set(0.703952253F)), Simd::sub(Simd::set(2.38924456F), product));
  }

  // Stored light under normals of any length; LightModel::at says the same for one vertex.
  static Int lights(const Float (&normal)[3], const Light & light)
  {
    const Float squared =
      Simd::add(dot(normal[0], normal[1], normal[2], normal), Simd::set(1e-30F));
    const Float inverse = inverse_root(squared);
    const Float zero = Simd::set(0.0F);
    const Float lambert =
      Simd::max(Simd::mul(dot(normal[0], normal[1], normal[2], light.towards), inverse), zero);
    Float shine =
      Simd::max(Simd::mul(dot(normal[0], normal[1], normal[2], light.halfway), inverse), zero);
    for (int doubling = 0; doubling < 4; ++doubling) {
      shine = Simd::mul(shine, shine);
    }
    const Float sum = Simd::add(
      Simd::add(light.ambient, Simd::mul(light.diffuse, lambert)),
      Simd::mul(light.specular, shine));
    const Float clipped = Simd::min(Simd::max(sum, zero), Simd::set(2.0F));
    return Simd::truncate(
      Simd::add(
        Simd::mul(clipped, Simd::set(static_cast<float>(kLightUnit))),
        Simd::set(static_cast<float>(kLightOffset) + 0.5F)));
  }

  static void place(const PlaceArguments & arguments)
  {
    const std::size_t first = arguments.first, last = arguments.last;
    const std::size_t beyond = arguments.readable_beyond;
    place_range<true>(arguments, first, last < beyond ? last : beyond);
    place_range<false>(arguments, first > beyond ? first : beyond, last);
  }

  // Beyond: a word after each point can be read.
  template <bool Beyond>
  static void place_range(const PlaceArguments & arguments, std::size_t first, std::size_t last)
  {
    const Light light(arguments);
    const Int origin_x = Simd::set(arguments.origin_x), origin_y = Simd::set(arguments.origin_y);
    const Float key_from[3] = {
      Simd::set(arguments.key_from[0]), Simd::set(arguments.key_from[1]),
      Simd::set(arguments.key_from[2])};
    const Float key_offset = Simd::set(arguments.key_from[3]);
    auto * surface = reinterpret_cast<std::int32_t *>(arguments.surface);
    const Float key_low = Simd::set(static_cast<float>(kKeyMargin));
    const Float key_high = Simd::set(static_cast<float>(kKeyMargin + kKeyRange));
    // Normals of some vertices first, then their light: two short bodies run further ahead of their
    // own latencies than a long one.
    constexpr std::size_t kRun = 8 * kLanes;
    alignas(32) float normals[3][kRun];
    for (std::size_t run = first; run < last; run += kRun) {
      const std::size_t end = run + kRun < last ? run + kRun : last;
      for (std::size_t i = run; i < end; i += kLanes) {
        const std::int32_t * points = arguments.points + Topology::kPointsOf * i;
        Float x, y, z;
        Simd::template load_points<Beyond>(arguments.vertices, points, x, y, z);
        const Int column = Simd::sub(snapped(x), origin_x);
        const Int row = Simd::sub(snapped(y), origin_y);
        Simd::store(
          arguments.xy + i,
          Simd::bit_or(
            Simd::bit_and(column, Simd::set(0xffff)), Simd::template shift_left<16>(row)));
        const Float key = Simd::add(dot(x, y, z, key_from), key_offset);
        Simd::store(
          surface + i, Simd::template shift_left<kDepthBits>(
                         Simd::truncate(Simd::min(Simd::max(key, key_low), key_high))));
        if (arguments.with_light) {
          const std::int32_t * ring = points + kLanes;
          Float ux, uy, uz, vx, vy, vz;
          Simd::template load_chords<Beyond>(arguments.vertices, ring, ring + kLanes, ux, uy, uz);
          Simd::template load_chords<Beyond>(
            arguments.vertices, ring + 2 * kLanes, ring + 3 * kLanes, vx, vy, vz);
          const std::size_t k = i - run;
          Simd::store(normals[0] + k, Simd::sub(Simd::mul(uy, vz), Simd::mul(uz, vy)));
          Simd::store(normals[1] + k, Simd::sub(Simd::mul(uz, vx), Simd::mul(ux, vz)));
          Simd::store(normals[2] + k, Simd::sub(Simd::mul(ux, vy), Simd::mul(uy, vx)));
        }
      }
      for (std::size_t i = run; i < end && arguments.with_light; i += kLanes) {
        const std::size_t k = i - run;
        const Float normal[3] = {
          Simd::load(normals[0] + k), Simd::load(normals[1] + k), Simd::load(normals[2] + k)};
        Simd::store(surface + i, Simd::bit_or(Simd::load(surface + i), lights(normal, light)));
      }
    }
  }

  // --- dense decoding ----------------------------------------------------------------------------

  static constexpr std::size_t kDecodeGroups = kDecodeBlock / kLanes;
  static constexpr std::size_t kDecodeValues = 3 * kDecodeGroups;  // registers of a block

  static void accumulate(
    Float (&value)[kDecodeValues], const std::int16_t *& basis, std::size_t first,
    std::size_t pairs, const DecodeArguments & arguments)
  {
    for (std::size_t pair = first; pair < first + pairs; ++pair) {
      const Int weights = Simd::set(arguments.weights[pair]);
      const Float scale = Simd::set(arguments.scale[pair]);
      for (std::size_t i = 0; i < kDecodeValues; ++i) {
        const Int sum = Simd::dot_pairs(Simd::load_pairs(basis + 2 * kLanes * i), weights);
        value[i] = Simd::add(value[i], Simd::mul(Simd::to_float(sum), scale));
      }
      basis += 2 * kLanes * kDecodeValues;
    }
  }

  // Eight model points to pixels, one after the other.
  static void project(float * to, Float x, Float y, Float z, const float * camera)
  {
    Float pixel[3];
    for (int row = 0; row < 3; ++row) {
      const float * c = camera + 4 * row;
      const Float factors[3] = {Simd::set(c[0]), Simd::set(c[1]), Simd::set(c[2])};
      pixel[row] = Simd::add(dot(x, y, z, factors), Simd::set(c[3]));
    }
    Simd::store_points(to, pixel[0], pixel[1], pixel[2]);
  }

  static void scatter(
    float * out, const float * points, const std::int32_t * vertex, std::size_t count)
  {
    for (std::size_t k = 0; k < count; ++k) {
      float * to = out + 3 * std::ptrdiff_t{vertex[k]};
      to[0] = points[3 * k];
      to[1] = points[3 * k + 1];
      to[2] = points[3 * k + 2];
    }
  }

  static void decode(const DecodeArguments & arguments)
  {
    const float * mean = arguments.mean;
    const std::int16_t * basis = arguments.basis;
    for (std::size_t first = 0; first < arguments.points; first += kDecodeBlock) {
      Float even[kDecodeValues], odd[kDecodeValues];
      for (std::size_t i = 0; i < kDecodeValues; ++i) {
        even[i] = Simd::load(mean + kLanes * i);
        odd[i] = Simd::set(0.0F);
      }
      mean += kLanes * kDecodeValues;
      accumulate(even, basis, 0, arguments.even_pairs, arguments);
      accumulate(odd, basis, arguments.even_pairs, arguments.odd_pairs, arguments);
      for (std::size_t group = 0; group < kDecodeGroups; ++group) {
        const std::size_t point = first + kLanes * group;
        if (point >= arguments.points) {
          break;
        }
        const std::size_t rest = arguments.points - point;
        const std::size_t lanes = rest < kLanes ? rest : kLanes;
        const Float ex = even[group], ey = even[kDecodeGroups + group];
        const Float ez = even[2 * kDecodeGroups + group];
        const Float ox = odd[group], oy = odd[kDecodeGroups + group];
        const Float oz = odd[2 * kDecodeGroups + group];
        alignas(32) float pixels[3 * kLanes];
        project(pixels, Simd::add(ex, ox), Simd::add(ey, oy), Simd::add(ez, oz), arguments.camera);
        if (arguments.left == nullptr) {
          for (std::size_t i = 0; i < 3 * lanes; ++i) {
            arguments.out[3 * point + i] = pixels[i];
          }
          continue;
        }
        scatter(arguments.out, pixels, arguments.left + point, lanes);
        project(pixels, Simd::sub(ox, ex), Simd::sub(ey, oy), Simd::sub(ez, oz), arguments.camera);
        scatter(arguments.out, pixels, arguments.right + point, lanes);
      }
    }
  }

  // --- triangles ---------------------------------------------------------------------------------

  static constexpr std::size_t kChunk = 128;

  // Triangles that passed the tests, one array per property.
  struct TriangleQueue
  {
    static constexpr std::size_t kRoom = kChunk + kLanes;
    std::int32_t xy[3][kRoom];
    std::int32_t corner[3][kRoom];
    std::int32_t pixel[kRoom];  // first pixel of the clipped box, a pair
    std::int32_t size[kRoom];   // last - first pixel of it, a pair
    std::size_t count = 0;

    // Repeats the first in the lanes that a last register has over.
    void pad()
    {
      for (std::size_t k = count; k % kLanes != 0; ++k) {
        for (int c = 0; c < 3; ++c) {
          xy[c][k] = xy[c][0];
          corner[c][k] = corner[c][0];
        }
        pixel[k] = pixel[0];
        size[k] = size[0];
      }
    }
  };

  // Pixels covered by tiny triangles, one array per property.
  struct PixelQueue
  {
    static constexpr std::size_t kRoom = 4 * kChunk + kLanes;
    std::int32_t corner[3][kRoom];
    std::int32_t weight[2][kRoom];  // of corners 1 and 2: bits of a float
    std::int32_t pixel[kRoom];      // a pair
    std::size_t count = 0;

    void pad()
    {
      for (std::size_t k = count; k % kLanes != 0; ++k) {
        for (int c = 0; c < 3; ++c) {
          corner[c][k] = corner[c][0];
        }
        weight[0][k] = weight[0][0];
        weight[1][k] = weight[1][0];
        pixel[k] = pixel[0];
      }
    }
  };

  struct Batch
  {
    Int corner[3];
    Int xy[3];
    Int pixel;
    Int size;
    Int area;
  };

  static void append(TriangleQueue & queue, const Batch & batch, unsigned mask)
  {
    for (int c = 0; c < 3; ++c) {
      Simd::store_packed(queue.xy[c] + queue.count, batch.xy[c], mask);
      Simd::store_packed(queue.corner[c] + queue.count, batch.corner[c], mask);
    }
    Simd::store_packed(queue.pixel + queue.count, batch.pixel, mask);
    Simd::store_packed(queue.size + queue.count, batch.size, mask);
    queue.count += static_cast<std::size_t>(__builtin_popcount(mask));
  }

  // Tests the pixels of boxes up to 2 x 2 and queues those that are covered.
  static void append_covered(PixelQueue & queue, const Batch & batch, unsigned mask)
  {
    const Edges edges(batch.xy, batch.pixel);
    const Float inverse_area = Simd::div(Simd::set(1.0F), Simd::to_float(batch.area));
    const Int one = Simd::set(1);
    const Int high_one = Simd::set(1 << 16);
    const unsigned wide = mask & Simd::signs(Simd::equal(Simd::bit_and(batch.size, one), one));
    const unsigned tall =
      mask & Simd::signs(Simd::equal(Simd::bit_and(batch.size, high_one), high_one));
    const auto test = [&](unsigned lanes, bool right, bool below) {
      Int at[3];
      Int outside = Simd::set(0);
      for (int c = 0; c < 3; ++c) {
        at[c] = edges.at[c];
        if (right) {
          at[c] = Simd::add(at[c], edges.step_x(c));
        }
        if (below) {
          at[c] = Simd::add(at[c], edges.step_y(c));
        }
        outside = Simd::bit_or(outside, Simd::add(at[c], edges.excluded[c]));
      }
      const unsigned covered = lanes & ~Simd::signs(outside);
      if (covered == 0) {
        return;
      }
      for (int c = 0; c < 3; ++c) {
        Simd::store_packed(queue.corner[c] + queue.count, batch.corner[c], covered);
      }
      for (int w = 0; w < 2; ++w) {
        const Float weight = Simd::mul(Simd::to_float(at[w + 1]), inverse_area);
        Simd::store_packed(queue.weight[w] + queue.count, Simd::to_bits(weight), covered);
      }
      const Int step = Simd::set((right ? 1 : 0) + (below ? 1 << 16 : 0));
      Simd::store_packed(queue.pixel + queue.count, Simd::add(batch.pixel, step), covered);
      queue.count += static_cast<std::size_t>(__builtin_popcount(covered));
    };
    test(mask, false, false);
    if (wide != 0) {
      test(wide, true, false);
    }
    if (tall != 0) {
      test(tall, false, true);
      if ((wide & tall) != 0) {
        test(wide & tall, true, true);
      }
    }
  }

  static std::int32_t pair(std::int32_t x, std::int32_t y)
  {
    return static_cast<std::int32_t>(
      (static_cast<std::uint32_t>(x) & 0xffffU) | (static_cast<std::uint32_t>(y) << 16));
  }

  static void leave_over(
    RasterArguments & arguments, std::int32_t p, std::int32_t q, std::int32_t r)
  {
    std::int32_t * to = arguments.left_over + 3 * arguments.left_over_count++;
    to[0] = p;
    to[1] = q;
    to[2] = r;
  }

  struct Queues
  {
    PixelQueue tiny;
    TriangleQueue block, small;
  };

  // Sorts the triangles that face the viewer and have a pixel centre in their box by its size.
  struct Sorter
  {
    Int first_pixel, last_pixel;
    Int round_up = Simd::set(pair(kSubpixels - 1, kSubpixels - 1));
    Int zero = Simd::set(0);

    explicit Sorter(const SurfaceBuffer & buffer)
    : first_pixel(Simd::set(pair(buffer.x0, buffer.y0))),
      last_pixel(Simd::set(pair(buffer.x1, buffer.y1)))
    {
    }

    // Lanes of which neither half of `size` has any of these bits.
    unsigned without(Int size, std::int32_t bits) const
    {
      const Int found = Simd::bit_and(size, Simd::set(pair(bits, bits)));
      return Simd::signs(Simd::equal(found, zero));
    }

    // low, high: of the snapped boxes. Takes batch.xy, corner and area.
    void sort(RasterArguments & arguments, Queues & queues, Batch & batch, Int low, Int high) const
    {
      batch.pixel = Simd::max_pairs(
        Simd::template shift_right_pairs<kSubpixelBits>(Simd::add_pairs(low, round_up)),
        first_pixel);
      const Int last =
        Simd::min_pairs(Simd::template shift_right_pairs<kSubpixelBits>(high), last_pixel);
      batch.size = Simd::sub_pairs(last, batch.pixel);
      const unsigned front = Simd::signs(Simd::greater(batch.area, zero));
      const unsigned upto_tiny = front & without(batch.size, ~1);
      const unsigned upto_block = front & without(batch.size, ~(kBlockSide - 1));
      const unsigned upto_small = front & without(batch.size, ~(kSmallSide - 1));
      const unsigned hit = front & without(batch.size, -0x8000);
      if (upto_tiny != 0) {
        append_covered(queues.tiny, batch, upto_tiny);
      }
      if (upto_block != upto_tiny) {
        append(queues.block, batch, upto_block ^ upto_tiny);
      }
      if (upto_small != upto_block) {
        append(queues.small, batch, upto_small ^ upto_block);
      }
      if (hit != upto_small) {
        alignas(32) std::int32_t corner[3][kLanes];
        for (int c = 0; c < 3; ++c) {
          Simd::store(corner[c], batch.corner[c]);
        }
        for (unsigned rest = hit ^ upto_small; rest != 0; rest &= rest - 1) {
          const int lane = __builtin_ctz(rest);
          leave_over(arguments, corner[0][lane], corner[1][lane], corner[2][lane]);
        }
      }
    }
  };

  static void rasterise(RasterArguments & arguments)
  {
    Queues queues;
    const Sorter sorter(arguments.buffer);
    constexpr std::size_t kPairs = kChunk / 2;
    for (std::size_t chunk = arguments.first; chunk < arguments.last; chunk += kPairs) {
      const std::size_t end = chunk + kPairs < arguments.last ? chunk + kPairs : arguments.last;
      queues.tiny.count = queues.block.count = queues.small.count = 0;
      for (std::size_t t = chunk; t < end; t += kLanes) {
        Int corner[4], xy[4];
        for (int c = 0; c < 4; ++c) {
          corner[c] = Simd::load(arguments.corner[c] + t);
          xy[c] = Simd::gather(arguments.xy, arguments.corner[c] + t);
        }
        const Int low = Simd::min_pairs(xy[0], xy[2]);
        const Int high = Simd::max_pairs(xy[0], xy[2]);
        const Int diagonal = Simd::sub_pairs(xy[2], xy[0]);
        Batch batch;
        batch.corner[0] = corner[0];
        batch.xy[0] = xy[0];
        for (int c = 1; c < 3; ++c) {
          batch.corner[c] = corner[c];
          batch.xy[c] = xy[c];
        }
        batch.area = Simd::cross_pairs(Simd::sub_pairs(xy[1], xy[0]), diagonal);
        sorter.sort(
          arguments, queues, batch, Simd::min_pairs(low, xy[1]), Simd::max_pairs(high, xy[1]));
        for (int c = 1; c < 3; ++c) {
          batch.corner[c] = corner[c + 1];
          batch.xy[c] = xy[c + 1];
        }
        batch.area = Simd::cross_pairs(diagonal, Simd::sub_pairs(xy[3], xy[0]));
        sorter.sort(
          arguments, queues, batch, Simd::min_pairs(low, xy[3]), Simd::max_pairs(high, xy[3]));
      }
      queues.tiny.pad();
      for (std::size_t k = 0; k < queues.tiny.count; k += kLanes) {
        draw_pixels(arguments, queues.tiny, k);
      }
      queues.block.pad();
      for (std::size_t k = 0; k < queues.block.count; k += kLanes) {
        draw_triangles<true>(arguments, queues.block, k);
      }
      queues.small.pad();
      for (std::size_t k = 0; k < queues.small.count; k += kLanes) {
        draw_triangles<false>(arguments, queues.small, k);
      }
    }
  }

  // The edges of eight triangles, seen from one pixel of each: `at[c]` is the doubled area that the
  // pixel's centre spans with the edge opposite to corner c. Signs decide coverage, with the
  // top-left rule in `excluded`.
  struct Edges
  {
    Int edge[3];  // pairs
    Int at[3];
    Int excluded[3];  // -1 where a point on the edge is outside

    Edges(const Int (&xy)[3], Int pixel)
    {
      const Int centre = Simd::template shift_left_pairs<kSubpixelBits>(pixel);
      for (int c = 0; c < 3; ++c) {
        const Int from = xy[(c + 1) % 3], to = xy[(c + 2) % 3];
        edge[c] = Simd::sub_pairs(to, from);
        at[c] = Simd::cross_pairs(edge[c], Simd::sub_pairs(centre, from));
        // As one number, y high: a top or left edge is negative or 0 < x with y == 0.
        excluded[c] = Simd::greater(edge[c], Simd::set(0x7fff));
      }
    }

    // From one column, and row, to the next.
    Int step_x(int c) const
    {
      return Simd::sub(
        Simd::set(0),
        Simd::template shift_left<kSubpixelBits>(Simd::template shift_right<16>(edge[c])));
    }
    Int step_y(int c) const
    {
      return Simd::template shift_right<16 - kSubpixelBits>(
        Simd::template shift_left<16>(edge[c]));
    }
  };

  // Depth key and light of eight triangles: at corner 0, and from there to corners 1 and 2.
  struct Surface
  {
    Float key, key_1, key_2;
    Float light, light_1, light_2;

    Surface(
      const RasterArguments & arguments, const std::int32_t * corner_0,
      const std::int32_t * corner_1, const std::int32_t * corner_2)
    {
      const std::int32_t * corners[3] = {corner_0, corner_1, corner_2};
      Float keys[3], lights[3];
      for (int c = 0; c < 3; ++c) {
        const Int word =
          Simd::gather(reinterpret_cast<const std::int32_t *>(arguments.surface), corners[c]);
        keys[c] = Simd::to_float(Simd::template shift_right_unsigned<kDepthBits>(word));
        lights[c] = Simd::to_float(Simd::bit_and(word, Simd::set(0xffff)));
      }
      key = keys[0];
      key_1 = Simd::sub(keys[1], keys[0]);
      key_2 = Simd::sub(keys[2], keys[0]);
      light = lights[0];
      light_1 = Simd::sub(lights[1], lights[0]);
      light_2 = Simd::sub(lights[2], lights[0]);
    }
  };

  static Float mix(Float base, Float towards_1, Float towards_2, Float weight_1, Float weight_2)
  {
    return Simd::add(
      base, Simd::add(Simd::mul(weight_1, towards_1), Simd::mul(weight_2, towards_2)));
  }

  // Index in the surface buffer of eight pixels.
  static Int address(const SurfaceBuffer & buffer, Int pixel)
  {
    const Int x = Simd::bit_and(pixel, Simd::set(0xffff));
    const Int y = Simd::template shift_right<16>(pixel);
    const Int stride = Simd::set(static_cast<std::int32_t>(buffer.stride));
    return Simd::add(
      Simd::mul(Simd::add(y, Simd::set(buffer.row_offset)), stride),
      Simd::add(x, Simd::set(buffer.column_offset)));
  }

  // Nearest integer, ties to even, for |a| < 2^22: what adding 1.5 * 2^23 leaves in the mantissa.
  static Int rounded(Float a)
  {
    constexpr float kMagic = 12582912.0F;
    return Simd::sub(
      Simd::to_bits(Simd::add(a, Simd::set(kMagic))), Simd::to_bits(Simd::set(kMagic)));
  }

  static void draw_pixels(
    const RasterArguments & arguments, const PixelQueue & queue, std::size_t k)
  {
    const Surface surface(
      arguments, queue.corner[0] + k, queue.corner[1] + k, queue.corner[2] + k);
    const Float weight_1 = Simd::from_bits(Simd::load(queue.weight[0] + k));
    const Float weight_2 = Simd::from_bits(Simd::load(queue.weight[1] + k));
    const Int key = rounded(mix(surface.key, surface.key_1, surface.key_2, weight_1, weight_2));
    const Int light =
      rounded(mix(surface.light, surface.light_1, surface.light_2, weight_1, weight_2));
    alignas(32) std::int32_t word[kLanes], at[kLanes];
    Simd::store(word, Simd::add(Simd::template shift_left<kDepthBits>(key), light));
    Simd::store(at, address(arguments.buffer, Simd::load(queue.pixel + k)));
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      raise(arguments.buffer.pixels[at[lane]], word[lane]);
    }
  }

  static void raise(std::uint32_t & pixel, std::int32_t word)
  {
    const auto value = static_cast<std::uint32_t>(word);
    pixel = pixel > value ? pixel : value;
  }

  // What eight triangles come to: values at the first pixel of each box and steps, one array each.
  struct Increments
  {
    alignas(32) std::int32_t at[3][kLanes];  // edges; inside is not negative
    alignas(32) std::int32_t at_x[3][kLanes];
    alignas(32) std::int32_t at_y[3][kLanes];
    alignas(32) std::int32_t word[kLanes];  // surface
    alignas(32) std::int32_t word_x[kLanes];
    alignas(32) std::int32_t word_y[kLanes];
    alignas(32) std::int32_t start[kLanes];  // in the surface buffer
  };

  // Triangles beyond a few pixels: set up eight at once, then eight pixels at once, in blocks of
  // 4 x 4 or in rows.
  template <bool Block>
  static void draw_triangles(
    RasterArguments & arguments, const TriangleQueue & queue, std::size_t k)
  {
    Increments increments;
    const unsigned gentle = set_up(arguments, queue, k, increments);
    const std::size_t lanes = queue.count - k < kLanes ? queue.count - k : kLanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      if (((gentle >> lane) & 1U) == 0) {
        leave_over(
          arguments, queue.corner[0][k + lane], queue.corner[1][k + lane],
          queue.corner[2][k + lane]);
      } else if (Block) {
        draw_block(arguments.buffer, increments, lane);
      } else {
        draw_rows(
          arguments.buffer, increments, lane, static_cast<std::uint32_t>(queue.size[k + lane]));
      }
    }
  }

  // Lanes whose triangles are no steeper than kSteepest.
  static unsigned set_up(
    const RasterArguments & arguments, const TriangleQueue & queue, std::size_t k,
    Increments & increments)
  {
    const Int pixel = Simd::load(queue.pixel + k);
    const Int xy[3] = {
      Simd::load(queue.xy[0] + k), Simd::load(queue.xy[1] + k), Simd::load(queue.xy[2] + k)};
    const Edges edges(xy, pixel);
    const Surface surface(
      arguments, queue.corner[0] + k, queue.corner[1] + k, queue.corner[2] + k);
    const Float inverse_area = Simd::div(
      Simd::set(1.0F),
      Simd::to_float(Simd::add(edges.at[0], Simd::add(edges.at[1], edges.at[2]))));
    // Depth key and light are affine: start and steps, rounded to whole units, key above light in
    // one word; carries from light to key cancel in the sum.
    const auto weight = [&](Int doubled_areas) {
      return Simd::mul(Simd::to_float(doubled_areas), inverse_area);
    };
    const Float ax = weight(edges.step_x(1)), bx = weight(edges.step_x(2));
    const Float ay = weight(edges.step_y(1)), by = weight(edges.step_y(2));
    const Float weight_1 = weight(edges.at[1]), weight_2 = weight(edges.at[2]);
    const Float zero = Simd::set(0.0F);
    const Float key_x = mix(zero, surface.key_1, surface.key_2, ax, bx);
    const Float key_y = mix(zero, surface.key_1, surface.key_2, ay, by);
    const Float light_x = mix(zero, surface.light_1, surface.light_2, ax, bx);
    const Float light_y = mix(zero, surface.light_1, surface.light_2, ay, by);
    const Float steepest = Simd::max(
      Simd::max(Simd::abs(key_x), Simd::abs(key_y)),
      Simd::max(Simd::abs(light_x), Simd::abs(light_y)));
    const Float key_start = mix(surface.key, surface.key_1, surface.key_2, weight_1, weight_2);
    const Float light_start =
      mix(surface.light, surface.light_1, surface.light_2, weight_1, weight_2);
    const auto packed = [](Float key, Float light) {
      return Simd::add(Simd::template shift_left<kDepthBits>(rounded(key)), rounded(light));
    };
    for (int c = 0; c < 3; ++c) {
      Simd::store(increments.at[c], Simd::add(edges.at[c], edges.excluded[c]));
      Simd::store(increments.at_x[c], edges.step_x(c));
      Simd::store(increments.at_y[c], edges.step_y(c));
    }
    Simd::store(increments.word, packed(key_start, light_start));
    Simd::store(increments.word_x, packed(key_x, light_x));
    Simd::store(increments.word_y, packed(key_y, light_y));
    Simd::store(increments.start, address(arguments.buffer, pixel));
    return Simd::signs(Simd::less_equal(steepest, Simd::set(kSteepest)));
  }

  // The words that beat those drawn so far, where no edge is negative.
  static Int raised(Int drawn, Int e0, Int e1, Int e2, Int word)
  {
    const Int outside = Simd::template shift_right<31>(Simd::bit_or(e0, Simd::bit_or(e1, e2)));
    return Simd::max_unsigned(drawn, Simd::and_not(outside, word));
  }

  // Always all of kBlockSide x kBlockSide pixels, two rows at a time.
  static void draw_block(
    const SurfaceBuffer & buffer, const Increments & increments, std::size_t lane)
  {
    static_assert(kBlockSide == 4, "two rows are a register");
    const Int column = Simd::bit_and(Simd::iota(), Simd::set(3));
    const Int second_row = Simd::greater(Simd::iota(), Simd::set(3));
    const auto spread = [&](const std::int32_t * at, const std::int32_t * x, Int y) {
      return Simd::add(
        Simd::add(Simd::set(at[lane]), Simd::bit_and(y, second_row)),
        Simd::mul(Simd::set(x[lane]), column));
    };
    const Int y0 = Simd::set(increments.at_y[0][lane]);
    const Int y1 = Simd::set(increments.at_y[1][lane]);
    const Int y2 = Simd::set(increments.at_y[2][lane]);
    const Int word_y = Simd::set(increments.word_y[lane]);
    const Int e0 = spread(increments.at[0], increments.at_x[0], y0);
    const Int e1 = spread(increments.at[1], increments.at_x[1], y1);
    const Int e2 = spread(increments.at[2], increments.at_x[2], y2);
    const Int word = spread(increments.word, increments.word_x, word_y);
    auto * row = reinterpret_cast<std::int32_t *>(buffer.pixels + increments.start[lane]);
    std::int32_t * next = row + buffer.stride;
    Simd::store_halves(row, next, raised(Simd::load_halves(row, next), e0, e1, e2, word));
    row = next + buffer.stride;
    next = row + buffer.stride;
    const auto below = [](Int value, Int y) {
      return Simd::add(value, Simd::template shift_left<1>(y));
    };
    Simd::store_halves(
      row, next,
      raised(
        Simd::load_halves(row, next), below(e0, y0), below(e1, y1), below(e2, y2),
        below(word, word_y)));
  }

  // A box of any size, eight columns at a time. size: last - first pixel, a pair.
  static void draw_rows(
    const SurfaceBuffer & buffer, const Increments & increments, std::size_t lane,
    std::uint32_t size)
  {
    const auto columns = static_cast<std::int32_t>(size & 0xffffU) + 1;
    const auto rows = static_cast<std::int32_t>(size >> 16) + 1;
    const Int iota = Simd::iota();
    const auto spread = [&](const std::int32_t * at, const std::int32_t * x) {
      return Simd::add(Simd::set(at[lane]), Simd::mul(Simd::set(x[lane]), iota));
    };
    const auto right = [&](Int value, const std::int32_t * x) {
      return Simd::add(value, Simd::template shift_left<3>(Simd::set(x[lane])));
    };
    const Int y0 = Simd::set(increments.at_y[0][lane]);
    const Int y1 = Simd::set(increments.at_y[1][lane]);
    const Int y2 = Simd::set(increments.at_y[2][lane]);
    const Int word_y = Simd::set(increments.word_y[lane]);
    Int top0 = spread(increments.at[0], increments.at_x[0]);
    Int top1 = spread(increments.at[1], increments.at_x[1]);
    Int top2 = spread(increments.at[2], increments.at_x[2]);
    Int top_word = spread(increments.word, increments.word_x);
    std::uint32_t * column = buffer.pixels + increments.start[lane];
    for (std::int32_t left = columns;;) {
      Int e0 = top0, e1 = top1, e2 = top2, word = top_word;
      auto * row = reinterpret_cast<std::int32_t *>(column);
      for (std::int32_t y = 0; y < rows; ++y) {
        Simd::store(row, raised(Simd::load(row), e0, e1, e2, word));
        row += buffer.stride;
        e0 = Simd::add(e0, y0);
        e1 = Simd::add(e1, y1);
        e2 = Simd::add(e2, y2);
        word = Simd::add(word, word_y);
      }
      left -= static_cast<std::int32_t>(kLanes);
      if (left <= 0) {
        return;
      }
      column += kLanes;
      top0 = right(top0, increments.at_x[0]);
      top1 = right(top1, increments.at_x[1]);
      top2 = right(top2, increments.at_x[2]);
      top_word = right(top_word, increments.word_x);
    }
  }
};

}  // namespace
}  // namespace face_recon
