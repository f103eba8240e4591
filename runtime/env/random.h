// Random: the only source of randomness of the runtime (ids, salts, jitter).
//
// SystemRandom asks the kernel and is fit for secrets; SeededRandom repeats itself and is for
// tests and simulations only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rescind {

class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<uint8_t> bytes) = 0;

  uint64_t Next();
  // Uniform in [0, bound), without modulo bias. `bound` must not be 0.
  uint64_t Below(uint64_t bound);
  // `byte_count` random bytes as lowercase hex.
  std::string Hex(size_t byte_count);
};

// getrandom(2). Without stored state: safe for several threads.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> bytes) override;
};

// SplitMix64: the same seed gives the same bytes on every machine. Not for several threads.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void Fill(std::span<uint8_t> bytes) override;

 private:
  uint64_t state_;
};

}  // namespace rescind
