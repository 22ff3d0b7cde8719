// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Threads that wait for work. With one thread everything runs on the caller's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace face_recon
{

class Workers
{
public:
  explicit Workers(std::size_t threads);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers & operator=(const Workers &) = delete;

  std::size_t count() const { return threads_.size() + 1; }

  // Calls work(part) for each part in [0, parts), parts <= count(), each on a thread of its own,
  // and returns when all are done. work must not throw.
  template <typename Work>
  void run(std::size_t parts, const Work & work)
  {
    if (parts <= 1) {
      work(std::size_t{0});
      return;
    }
    start(parts, &work, [](const void * context, std::size_t part) {
      (*static_cast<const Work *>(context))(part);
    });
    work(std::size_t{0});
    wait();
  }

private:
  using Function = void (*)(const void * context, std::size_t part);

  void start(std::size_t parts, const void * context, Function function);
  void wait();
  void serve(std::size_t part);

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable done_;
  Function function_ = nullptr;
  const void * context_ = nullptr;
  std::size_t parts_ = 0;
  std::size_t round_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace face_recon
