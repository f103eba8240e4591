#include "runtime/feeds/feed_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include "runtime/feeds/batch_queue.h"

namespace rescind {
namespace {

struct RowName {
  EntityId entity;
  std::string_view id;
  bool operator==(const RowName&) const = default;
};
struct RowNameHash {
  size_t operator()(const RowName& name) const {
    return std::hash<std::string_view>()(name.id) * 31 + name.entity.index();
  }
};

class Loader {
 public:
  Loader(FeedReader& reader, Import& import, const LoadOptions& options)
      : reader_(reader), import_(import), options_(options) {}

  Status Take(FeedBatch& batch) {
    report_.read_bytes = batch.read_bytes;
    records_ += batch.lines.size();
    if (options_.refuse_repeats) DropRepeats(batch);
    RESCIND_TRY(Report(batch));
    for (const DeltaRow& row : batch.delta.rows()) NoteEntity(row.entity);
    const bool is_spoilt = report_.bad_count > 0 && !options_.skip_bad;
    if (!is_spoilt && !batch.delta.empty()) {
      RESCIND_TRY(import_.Add(batch.delta));
      report_.rows += batch.delta.rows().size();
    }
    if (options_.progress) options_.progress({records_, batch.read_bytes});
    return {};
  }
  LoadReport TakeReport() { return std::move(report_); }

 private:
  void NoteEntity(EntityId entity) {
    if (entity == last_entity_) return;
    last_entity_ = entity;
    report_.entities.insert(entity);
  }

  // Rows that this batch or an earlier one holds already become bad records.
  void DropRepeats(FeedBatch& batch) {
    const auto& rows = batch.delta.rows();
    std::vector<bool> keep(rows.size(), true);
    std::unordered_map<RowName, uint64_t, RowNameHash> lines;
    lines.reserve(rows.size());
    bool any = false;
    for (size_t i = 0; i < rows.size(); ++i) {
      const RowName name{rows[i].entity, batch.delta.text(rows[i].key)};
      const auto [first, is_new] = lines.emplace(name, batch.lines[i]);
      if (is_new && !import_.WasGiven(name.entity, name.id)) continue;
      BadRecord bad;
      bad.line = batch.lines[i];
      bad.field = "id";
      bad.value = ShowValue(name.id);
      bad.what = is_new ? "the row was given before in this import"
                        : fmt::format("the row was given before, in line {}", first->second);
      bad.help = "a snapshot says once what there is: remove one of the lines";
      if (!batch.original_ends.empty()) bad.original = batch.Original(i);
      batch.bad.push_back(std::move(bad));
      keep[i] = false;
      any = true;
    }
    if (!any) return;
    batch.delta.KeepRows(keep);
    std::stable_sort(batch.bad.begin(), batch.bad.end(),
                     [](const BadRecord& a, const BadRecord& b) { return a.line < b.line; });
  }

  Status Report(FeedBatch& batch) {
    for (BadRecord& bad : batch.bad) {
      if (!bad.continues) {
        ++records_;
        ++report_.bad_count;
      }
      if (options_.rejects != nullptr) {
        RESCIND_TRY(options_.rejects->Add(reader_.preamble(), bad));
      }
      if (bad.continues || report_.bad.size() >= options_.reported_count) continue;
      bad.original.clear();
      report_.bad.push_back(std::move(bad));
    }
    return {};
  }

  FeedReader& reader_;
  Import& import_;
  const LoadOptions& options_;
  LoadReport report_;
  EntityId last_entity_;
  uint64_t records_ = 0;
};

Status LoadInOneThread(FeedReader& reader, Loader& loader) {
  FeedBatch batch;
  for (bool more = true; more;) {
    batch.Clear();
    RESCIND_ASSIGN(more, reader.Read(batch));
    RESCIND_TRY(loader.Take(batch));
  }
  return {};
}

Status LoadInTwoThreads(FeedReader& reader, Loader& loader) {
  BatchQueue queue;
  std::thread reading([&] {
    for (;;) {
      FeedBatch* batch = queue.TakeFree();
      if (batch == nullptr) return queue.Close({});
      Result<bool> more = reader.Read(*batch);
      if (!more.ok()) return queue.Close(std::move(more).error());
      queue.PutFull(batch);
      if (!*more) return queue.Close({});
    }
  });
  Status status;
  while (FeedBatch* batch = queue.TakeFull()) {
    status = loader.Take(*batch);
    if (!status.ok()) break;
    queue.PutFree(batch);
  }
  queue.Stop();
  reading.join();
  return status.ok() ? queue.status() : status;
}

}  // namespace

Result<LoadReport> LoadFeed(FeedReader& reader, Import& import, const LoadOptions& options) {
  Loader loader(reader, import, options);
  RESCIND_TRY(options.use_thread ? LoadInTwoThreads(reader, loader)
                                 : LoadInOneThread(reader, loader));
  return loader.TakeReport();
}

}  // namespace rescind
