// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "workers.hpp"

namespace face_recon
{

Workers::Workers(std::size_t threads)
{
  for (std::size_t part = 1; part < threads; ++part) {
    threads_.emplace_back([this, part] { serve(part); });
  }
}

Workers::~Workers()
{
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  begin_.notify_all();
  for (std::thread & thread : threads_) {
    thread.join();
  }
}

void Workers::start(std::size_t parts, const void * context, Function function)
{
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    function_ = function;
    context_ = context;
    parts_ = parts;
    running_ = parts - 1;
    ++round_;
  }
  begin_.notify_all();
}

void Workers::wait()
{
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
}

void Workers::serve(std::size_t part)
{
  std::size_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    begin_.wait(lock, [&] { return stopping_ || round_ != seen; });
    if (stopping_) {
      return;
    }
    seen = round_;
    if (part >= parts_) {
      continue;
    }
    const Function function = function_;
    const void * context = context_;
    lock.unlock();
    function(context, part);
    lock.lock();
    if (--running_ == 0) {
      done_.notify_one();
    }
  }
}

}  // namespace face_recon
