// File: two slots of 4,096 bytes. A slot: "RSCDMARK", format (32 bits), generation (64 bits, the
// higher is newer), length (32 bits), the state, checksum over all of it; zeros to its end.
#include "runtime/store/high_water_mark.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/env/file_system.h"
#include "runtime/store/byte_codec.h"
#include "runtime/store/restore_help.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr std::string_view kMagic = "RSCDMARK";
constexpr size_t kSlotBytes = 4096;

struct Slot {
  uint64_t generation = 0;
  MarkState state;
};

struct Slots {
  std::optional<Slot> newest;
  uint32_t newest_format = 0;
  bool empty = true;
};

std::string EncodeSlot(uint64_t generation, const MarkState& state) {
  ByteWriter writer;
  const std::string body = state.Encode();
  writer.PutRaw(kMagic.data(), kMagic.size());
  writer.Put32(kStoreFormat);
  writer.Put64(generation);
  writer.PutText(body);
  Seal(writer.bytes());
  RESCIND_ASSERT(writer.bytes().size() <= kSlotBytes, "a mark longer than its slot");
  writer.bytes().resize(kSlotBytes, '\0');
  return std::move(writer.bytes());
}

// Notes the format even of a slot that is otherwise unknown to us.
std::optional<Slot> DecodeSlot(std::string_view bytes, uint32_t& format) {
  constexpr size_t kHeadBytes = 8 + 4 + 8 + 4;
  if (bytes.size() < kHeadBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  ByteReader head(bytes.substr(kMagic.size()));
  const uint32_t slot_format = head.Take32();
  Slot slot;
  slot.generation = head.Take64();
  const uint64_t whole = kHeadBytes + uint64_t{head.Take32()} + 8;
  if (whole > bytes.size()) return std::nullopt;
  const auto sealed = Unseal(bytes.substr(0, whole));
  if (!sealed) return std::nullopt;
  format = std::max(format, slot_format);
  if (slot_format > kStoreFormat) return std::nullopt;
  const auto state = MarkState::Decode(sealed->substr(kHeadBytes));
  if (!state) return std::nullopt;
  slot.state = *state;
  return slot;
}

Result<Slots> ReadSlots(int descriptor, const std::string& path) {
  std::string bytes(2 * kSlotBytes, '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count =
        pread(descriptor, bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemCallError("read", path, errno);
    if (count == 0) break;
    got += static_cast<size_t>(count);
  }
  Slots slots;
  slots.empty = got == 0;
  for (size_t i = 0; i < 2 && got > i * kSlotBytes; ++i) {
    const size_t slot_bytes = std::min(kSlotBytes, got - i * kSlotBytes);
    auto slot =
        DecodeSlot(std::string_view(bytes).substr(i * kSlotBytes, slot_bytes), slots.newest_format);
    if (!slot || (slots.newest && slots.newest->generation > slot->generation)) continue;
    slots.newest = std::move(*slot);
  }
  return slots;
}

}  // namespace

std::string MarkState::Encode() const {
  ByteWriter writer;
  writer.PutText(store_id);
  writer.Put64(commit_number);
  writer.Put64(facts_seq);
  writer.PutMicros(last_change.micros);
  writer.Put64(epoch);
  writer.Put64(audit.size);
  writer.PutRaw(audit.root.data(), audit.root.size());
  return std::move(writer.bytes());
}

std::optional<MarkState> MarkState::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  MarkState state;
  state.store_id = reader.TakeText();
  state.commit_number = reader.Take64();
  state.facts_seq = reader.Take64();
  state.last_change = {reader.TakeMicros()};
  state.epoch = reader.Take64();
  state.audit.size = reader.Take64();
  const std::string_view root = reader.TakeRaw(state.audit.root.size());
  if (!reader.done()) return std::nullopt;
  std::copy(root.begin(), root.end(), state.audit.root.begin());
  return state;
}

Result<std::optional<MarkState>> HighWaterMark::Read(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return std::optional<MarkState>();
  if (descriptor < 0) return SystemCallError("read", path, errno);
  const auto slots = ReadSlots(descriptor, path);
  close(descriptor);
  if (!slots.ok()) return slots.error();
  if (slots->newest_format > kStoreFormat) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("{} has format {}, and this program knows formats up to {}", path,
                             slots->newest_format, kStoreFormat),
                 "use the newer version of rescind that wrote it"};
  }
  if (slots->empty) return std::optional<MarkState>();
  if (!slots->newest) {
    return Error{ErrorKind::kCorrupt, fmt::format("neither slot of {} is whole", path),
                 kRestoreHelp};
  }
  return std::optional(slots->newest->state);
}

Result<std::unique_ptr<HighWaterMark>> HighWaterMark::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateMode);
  if (descriptor < 0) return SystemCallError("open", path, errno);
  const auto slots = ReadSlots(descriptor, path);
  if (!slots.ok()) {
    close(descriptor);
    return slots.error();
  }
  return std::unique_ptr<HighWaterMark>(
      new HighWaterMark(descriptor, path, slots->newest ? slots->newest->generation : 0));
}

HighWaterMark::~HighWaterMark() { close(descriptor_); }

Status HighWaterMark::Write(const MarkState& state) {
  ++generation_;
  const std::string slot = EncodeSlot(generation_, state);
  const auto begin = static_cast<off_t>((generation_ & 1) * kSlotBytes);
  size_t written = 0;
  while (written < slot.size()) {
    const ssize_t count = pwrite(descriptor_, slot.data() + written, slot.size() - written,
                                 begin + static_cast<off_t>(written));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemCallError("write", path_, errno);
    written += static_cast<size_t>(count);
  }
  if (fdatasync(descriptor_) != 0) return SystemCallError("sync", path_, errno);
  return {};
}

}  // namespace rescind
