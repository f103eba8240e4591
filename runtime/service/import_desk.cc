#include "runtime/service/import_desk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "engine/base/diagnostic.h"
#include "runtime/feeds/csv_reader.h"
#include "runtime/feeds/ndjson_reader.h"
#include "runtime/feeds/stream_file.h"
#include "runtime/service/own_file.h"
#include "runtime/service/store_opener.h"

namespace rescind {
namespace {

// Of clocks that differ a little.
constexpr int64_t kClockToleranceMicros = 5 * kMicrosPerMinute;
constexpr size_t kMaxSourceBytes = 200;
constexpr std::string_view kRejectSuffix = ".rejects";

Error Invalid(std::string message, std::string help) {
  return {ErrorKind::kInvalidInput, std::move(message), std::move(help)};
}

// Of a file that cannot be used as a whole: what lies before it in the list was not taken either.
Error NothingTaken(Error error) {
  constexpr std::string_view kSaid = "nothing";
  if (error.help.find(kSaid) != std::string::npos) return error;  // the store says so itself
  if (!error.help.empty()) error.help += "; ";
  error.help += "nothing was taken";
  return error;
}

// Gives back what was read to find out the format, then the rest of the file.
class PeekedFile final : public ReadableFile {
 public:
  explicit PeekedFile(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}

  // The first byte that is neither blank nor part of a byte order mark; 0: there is none nearby.
  Result<char> Peek() {
    char bytes[256];
    while (beginning_.size() < sizeof(bytes)) {
      RESCIND_ASSIGN(const size_t count, file_->Read(bytes));
      if (count == 0) break;
      beginning_.append(bytes, count);
      const size_t first = beginning_.find_first_not_of("\xEF\xBB\xBF \t\r\n");
      if (first != std::string::npos) return beginning_[first];
    }
    return '\0';
  }
  // After Peek.
  bool is_empty() const { return beginning_.empty(); }
  Result<size_t> Read(std::span<char> bytes) override {
    if (at_ == beginning_.size()) return file_->Read(bytes);
    const size_t count = std::min(bytes.size(), beginning_.size() - at_);
    std::memcpy(bytes.data(), beginning_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::unique_ptr<ReadableFile> file_;
  std::string beginning_;
  size_t at_ = 0;
};

// `hr.csv.rejects` and `hr.csv.rejects.2` are read as `hr.csv` was.
std::string_view WithoutRejects(std::string_view path) {
  while (true) {
    std::string_view shorter = path;
    const size_t dot = path.rfind('.');
    const bool has_number = dot != path.npos && dot + 1 < path.size() &&
                            path.find_first_not_of("0123456789", dot + 1) == path.npos;
    if (has_number) shorter = path.substr(0, dot);
    if (!shorter.ends_with(kRejectSuffix)) return path;
    path = shorter.substr(0, shorter.size() - kRejectSuffix.size());
  }
}

FeedFormat FormatByName(std::string_view path) {
  path = WithoutRejects(path);
  if (path.ends_with(".csv") || path.ends_with(".tsv")) return FeedFormat::kCsv;
  for (const std::string_view suffix : {".ndjson", ".jsonl", ".json"}) {
    if (path.ends_with(suffix)) return FeedFormat::kNdjson;
  }
  return FeedFormat::kByName;
}

// "exports/identity.2026-04-01.csv" -> "identity".
std::string StemOf(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return name.substr(0, name.find('.'));
}

class Importer {
 public:
  Importer(const ImportRequest& request, const Workspace& workspace, Store& store,
           const ImportEnvironment& environment)
      : request_(request), workspace_(workspace), store_(store), environment_(environment) {}

  Result<ImportSummary> Run() {
    RESCIND_TRY(CheckRequest());
    RESCIND_ASSIGN(ImportSummary summary, Attempt(request_.snapshot));
    const bool is_partial = request_.snapshot && summary.bad_count() > 0;
    if (!is_partial || !request_.skip_bad) return summary;
    const auto once = std::find_if(request_.files.begin(), request_.files.end(),
                                   [&](const std::string& path) { return CanBeReadOnce(path); });
    if (once != request_.files.end()) {
      return Invalid(fmt::format("{} lines of the snapshot are bad, and {} cannot be read again "
                                 "to take the rest as a plain import; nothing was taken",
                                 summary.bad_count(), NameOf(*once)),
                     "write the feed to a file first, or give --skip-bad without --snapshot");
    }
    RESCIND_ASSIGN(summary, Attempt(/*snapshot=*/false));
    summary.warnings.push_back(fmt::format(
        "{} lines were left out, so this was no snapshot: rows that the feed no longer lists keep "
        "its claim until a snapshot without bad lines comes",
        summary.bad_count()));
    return summary;
  }

 private:
  Status CheckRequest() const;
  Status CheckMoments() const;
  Result<ImportSummary> Attempt(bool snapshot);
  Status LoadOne(const std::string& path, Import& import, bool snapshot, ImportSummary& summary);
  Result<std::unique_ptr<PeekedFile>> OpenFile(const std::string& path) const;
  Result<FeedFormat> FormatOf(const std::string& path, PeekedFile& file) const;
  Result<std::string> EntityOf(const std::string& path) const;
  Result<std::unique_ptr<FeedReader>> MakeReader(const std::string& path, FeedFormat format,
                                                 PeekedFile& file) const;
  Result<std::vector<EntityId>> NamedEntities() const;
  Status Finish(Import& import, ImportSummary& summary);
  // `by_lines`: a snapshot that is about the entities which it has lines of.
  void WarnOfSource(bool by_lines, ImportSummary& summary) const;

  bool CanBeReadOnce(const std::string& path) const {
    if (path == kStandardInput) return true;
    const auto info = environment_.files.Stat(InFolder(path));
    return info.ok() && info->kind == FileKind::kOther;
  }
  std::string InFolder(const std::string& path) const {
    if (request_.folder == "." || path.starts_with('/')) return path;
    return request_.folder + "/" + path;
  }
  std::string NameOf(const std::string& path) const {
    return path == kStandardInput ? "standard input" : path;
  }
  std::string RejectsOf(const std::string& path, FeedFormat format) const;

  const ImportRequest& request_;
  const Workspace& workspace_;
  Store& store_;
  const ImportEnvironment& environment_;
  std::vector<std::unique_ptr<RejectFile>> rejects_;
  std::vector<std::string> gaps_;  // of all files, should rows be new
};

Status Importer::CheckRequest() const {
  const Instant now = environment_.clock.Now();
  if (request_.files.empty()) {
    return Invalid("no file is given", "name files, or - for standard input");
  }
  if (std::count(request_.files.begin(), request_.files.end(), kStandardInput) > 1) {
    return Invalid("standard input is given twice", "it can be read once");
  }
  if (request_.snapshot && request_.source.empty()) {
    return Invalid("a snapshot is all that a source has, and no source is given",
                   "say which one with --source NAME");
  }
  if (request_.source == kRescindSource) {
    return Invalid(
        fmt::format("the source \"{}\" is what Rescind has observed itself", kRescindSource),
        "give the feed another name");
  }
  if (request_.source.size() > kMaxSourceBytes ||
      (!request_.source.empty() && CheckId(request_.source))) {
    return Invalid(fmt::format("{} cannot be a source's name", ShowValue(request_.source)),
                   "give a short name without control characters, such as hr");
  }
  const auto is_future = [&](std::optional<Instant> instant, int64_t tolerance_micros) {
    return instant && instant->micros > now.micros + tolerance_micros;
  };
  if (is_future(request_.observed_at, kClockToleranceMicros)) {
    return Invalid(
        fmt::format("--observed-at {} lies in the future", FormatInstant(*request_.observed_at)),
        "give the instant at which the source was read");
  }
  if (is_future(request_.at, 0)) {
    return Invalid(fmt::format("--at {} lies in the future", FormatInstant(*request_.at)),
                   "facts are recorded as of now or earlier");
  }
  return CheckMoments();
}

// A format of a field that no row has would be passed over, and days be read the wrong way round.
Status Importer::CheckMoments() const {
  const Schema& schema = store_.schema();
  std::set<std::string> moments = {"@effective_at"};
  for (const EntityDef& entity : schema.entities()) {
    if (!request_.feed.entity.empty() && entity.name != request_.feed.entity) continue;
    for (const FieldDef& field : entity.fields) {
      const TypeKind kind = field.type.kind;
      if (kind == TypeKind::kTime || kind == TypeKind::kDate) moments.insert(field.name);
    }
  }
  for (const auto& [name, format] : request_.feed.moments.by_field) {
    if (moments.contains(name)) continue;
    const std::string meant = Meant(name, {moments.begin(), moments.end()});
    return Invalid(
        fmt::format("--date-format: {} has no time or date called `{}`",
                    request_.feed.entity.empty() ? "no entity" : request_.feed.entity, name),
        meant.empty() ? fmt::format("name one of {}", fmt::join(moments, ", "))
                      : fmt::format("did you mean `{}`?", meant));
  }
  return {};
}

Result<std::unique_ptr<PeekedFile>> Importer::OpenFile(const std::string& path) const {
  if (path == kStandardInput) {
    return std::make_unique<PeekedFile>(std::make_unique<StreamFile>(environment_.input));
  }
  RESCIND_ASSIGN(auto file, environment_.files.OpenForReading(InFolder(path)));
  return std::make_unique<PeekedFile>(std::move(file));
}

Result<FeedFormat> Importer::FormatOf(const std::string& path, PeekedFile& file) const {
  if (request_.format != FeedFormat::kByName) return request_.format;
  if (const FeedFormat format = FormatByName(path); format != FeedFormat::kByName) return format;
  RESCIND_ASSIGN(const char first, file.Peek());
  if (path == kStandardInput && file.is_empty()) {
    return Invalid("standard input is empty",
                   "export it again; a source that has no rows gives one empty line");
  }
  return first == '{' || first == '[' ? FeedFormat::kNdjson : FeedFormat::kCsv;
}

Result<std::string> Importer::EntityOf(const std::string& path) const {
  if (!request_.feed.entity.empty()) return request_.feed.entity;
  const std::string stem = StemOf(path);
  if (path != kStandardInput && store_.schema().Find(stem)) return stem;
  std::vector<std::string> names;
  for (const EntityDef& entity : store_.schema().entities()) names.push_back(entity.name);
  return Invalid(
      fmt::format("{}: a CSV file does not say of which entity its rows are", NameOf(path)),
      fmt::format("give --entity NAME, one of {}; or call the file like its entity, "
                  "such as {}.csv",
                  fmt::join(names, ", "), names.empty() ? "identity" : names.front()));
}

// Beside the file; of standard input and what a shell hands over with `<(…)`, where the command
// runs. By its name it is read again as `path` was: names alone say the format, as it begins with a
// comment, and of CSV the entity.
std::string Importer::RejectsOf(const std::string& path, FeedFormat format) const {
  std::string name = path;
  std::optional<int> descriptor;
  if (path == kStandardInput) {
    descriptor = STDIN_FILENO;
  } else if (const auto place = environment_.files.FindOutput(InFolder(path)); place.ok()) {
    descriptor = place->descriptor;
  }
  if (descriptor) {
    name = *descriptor == STDIN_FILENO ? "stdin" : fmt::format("fd{}", *descriptor);
    const auto entity = EntityOf(path);
    if (format == FeedFormat::kCsv && entity.ok()) name.insert(0, *entity + ".");
  }
  if (FormatByName(name) != format) {
    const char* csv = request_.feed.delimiter == '\t' ? ".tsv" : ".csv";
    name += format == FeedFormat::kNdjson ? ".ndjson" : csv;
  }
  return InFolder(name + std::string(kRejectSuffix));
}

Result<std::unique_ptr<FeedReader>> Importer::MakeReader(const std::string& path, FeedFormat format,
                                                         PeekedFile& file) const {
  FeedOptions options = request_.feed;
  options.name = NameOf(path);
  options.keep_originals = request_.skip_bad;
  options.latest_effective = {request_.at.value_or(environment_.clock.Now()).micros +
                              kClockToleranceMicros};
  if (format == FeedFormat::kNdjson) {
    if (!options.map.empty() || !options.set.empty() || !options.ignore.empty()) {
      return Invalid(
          fmt::format("{} is NDJSON, and --map, --set and --ignore are for CSV", options.name),
          "rename its keys first: jq -c '{id: .employeeId}' FILE | rescind import -");
    }
    return std::unique_ptr<FeedReader>(
        std::make_unique<NdjsonReader>(file, store_.schema(), std::move(options)));
  }
  RESCIND_ASSIGN(options.entity, EntityOf(path));
  if (WithoutRejects(path).ends_with(".tsv") && options.delimiter == ',') options.delimiter = '\t';
  return std::unique_ptr<FeedReader>(
      std::make_unique<CsvReader>(file, store_.schema(), std::move(options)));
}

// The entities that a snapshot is about even if it lists no row of them.
Result<std::vector<EntityId>> Importer::NamedEntities() const {
  std::vector<EntityId> named;
  if (const auto entity = store_.schema().Find(request_.feed.entity)) named.push_back(*entity);
  for (const std::string& path : request_.files) {
    const bool is_csv =
        request_.format == FeedFormat::kCsv ||
        (request_.format == FeedFormat::kByName && FormatByName(path) == FeedFormat::kCsv);
    if (!is_csv || path == kStandardInput) continue;
    RESCIND_ASSIGN(const std::string name, EntityOf(path));
    const auto entity = store_.schema().Find(name);
    if (entity && std::find(named.begin(), named.end(), *entity) == named.end()) {
      named.push_back(*entity);
    }
  }
  return named;
}

Result<ImportSummary> Importer::Attempt(bool snapshot) {
  rejects_.clear();
  gaps_.clear();
  ImportSummary summary;
  summary.was_snapshot = snapshot;
  summary.origin.source = request_.source.empty() ? std::string(kUnnamedSource) : request_.source;
  summary.origin.observed_at =
      request_.observed_at.value_or(request_.at.value_or(environment_.clock.Now()));
  ImportOptions options;
  options.origin = summary.origin;
  options.at = request_.at;
  options.snapshot = snapshot;
  options.allow_shrink = request_.allow_shrink;
  if (const auto source = workspace_.sources.find(options.origin.source);
      source != workspace_.sources.end()) {
    options.max_shrink = {source->second.max_shrink.is_percent, source->second.max_shrink.amount};
  }
  if (snapshot) {
    RESCIND_ASSIGN(options.snapshot_entities, NamedEntities());
    RESCIND_ASSIGN(options.declared, ResolveSources(workspace_, store_.schema()));
  }
  const bool names_entities = !options.snapshot_entities.empty();
  RESCIND_ASSIGN(const std::unique_ptr<Import> import, store_.BeginImport(std::move(options)));
  uint64_t rows = 0;
  for (const std::string& path : request_.files) {
    Status loaded = LoadOne(path, *import, snapshot, summary);
    if (!loaded.ok()) return NothingTaken(std::move(loaded).error());
    rows += summary.files.back().load.rows;
  }
  WarnOfSource(snapshot && !names_entities, summary);
  if (summary.bad_count() > 0 && (!request_.skip_bad || snapshot)) return summary;
  if (snapshot && rows == 0 && !names_entities) {
    return Invalid("an empty snapshot does not say which entity the source has no rows of",
                   "give --entity NAME");
  }
  RESCIND_TRY(Finish(*import, summary));
  if (summary.commit.rows_added > 0) {
    summary.warnings.insert(summary.warnings.end(), gaps_.begin(), gaps_.end());
  }
  return summary;
}

Status Importer::LoadOne(const std::string& path, Import& import, bool snapshot,
                         ImportSummary& summary) {
  ImportedFile& imported = summary.files.emplace_back();
  imported.name = NameOf(path);
  RESCIND_ASSIGN(const std::unique_ptr<PeekedFile> file, OpenFile(path));
  RESCIND_ASSIGN(const FeedFormat format, FormatOf(path, *file));
  RESCIND_ASSIGN(const std::unique_ptr<FeedReader> reader, MakeReader(path, format, *file));
  RESCIND_TRY(reader->Open());
  LoadOptions options;
  // Also when bad lines have made a plain import of it: what says two things is still bad.
  options.refuse_repeats = request_.snapshot;
  options.skip_bad = request_.skip_bad;
  // Of an attempt that will be repeated nothing is kept.
  if (request_.skip_bad && !snapshot) {
    const std::string rejects = RejectsOf(path, format);
    RESCIND_TRY(RefuseOwnFile(workspace_, rejects, rejects, environment_.files));
    rejects_.push_back(std::make_unique<RejectFile>(environment_.files, rejects));
    options.rejects = rejects_.back().get();
  }
  std::optional<uint64_t> total_bytes;
  if (path != kStandardInput) {
    const auto info = environment_.files.Stat(InFolder(path));
    if (info.ok() && info->kind == FileKind::kRegular) total_bytes = info->size_bytes;
  }
  if (environment_.progress) {
    options.progress = [&](const FeedProgress& progress) {
      environment_.progress({imported.name, progress.records, progress.read_bytes, total_bytes});
    };
  }
  auto load = LoadFeed(*reader, import, options);
  if (!load.ok()) return std::move(load).error().In(imported.name);
  imported.load = *std::move(load);
  for (std::string& gap : reader->gaps()) gaps_.push_back(std::move(gap));
  for (const std::string& notice : reader->notices()) summary.warnings.push_back(notice);
  if (imported.load.rows == 0 && imported.load.bad_count == 0 && reader->notices().empty()) {
    summary.warnings.push_back(fmt::format("{} holds no row", imported.name));
  }
  if (options.rejects != nullptr && imported.load.bad_count > 0) {
    imported.rejects = options.rejects->path();
  }
  return {};
}

// Reject files first: were they lost after the commit, nobody would know what was left out.
Status Importer::Finish(Import& import, ImportSummary& summary) {
  const auto finish = [&]() -> Status {
    for (size_t i = 0; i < rejects_.size(); ++i) {
      RESCIND_TRY(rejects_[i]->Publish());
      std::string& name = summary.files[i].rejects;
      if (name.empty() || name == rejects_[i]->path()) continue;
      summary.warnings.push_back(
          fmt::format("{} is kept, as it holds what an earlier import left out: what this one left "
                      "out is in {}",
                      name, rejects_[i]->path()));
      name = rejects_[i]->path();
    }
    RESCIND_ASSIGN(summary.commit, import.Finish());
    summary.is_committed = true;
    return {};
  };
  Status status = finish();
  if (status.ok()) return status;
  for (const auto& rejects : rejects_) {
    // The import's failure is what must be told.
    (void)rejects->Withdraw().ok();
  }
  return status;
}

void Importer::WarnOfSource(bool by_lines, ImportSummary& summary) const {
  std::set<EntityId> entities;
  for (const ImportedFile& file : summary.files) {
    entities.insert(file.load.entities.begin(), file.load.entities.end());
  }
  std::vector<std::string> names;
  for (const EntityId entity : entities) names.push_back(store_.schema().entity(entity).name);
  for (std::string& warning : CheckSource(workspace_, summary.origin.source, names)) {
    summary.warnings.push_back(std::move(warning));
  }
  const std::string& source = summary.origin.source;
  const auto declared = workspace_.sources.find(source);
  if (!by_lines || declared == workspace_.sources.end()) return;
  for (const std::string& entity : declared->second.entities) {
    if (std::find(names.begin(), names.end(), entity) != names.end()) continue;
    summary.warnings.push_back(fmt::format(
        "this snapshot has no line of `{0}`, which \"{1}\" delivers too: what it said of such rows "
        "before stays; when there are none any more, say so with a file of one empty line: rescind "
        "import NONE.ndjson --entity {0} --source {1} --snapshot",
        entity, source));
  }
}

}  // namespace

uint64_t ImportSummary::bad_count() const {
  uint64_t count = 0;
  for (const ImportedFile& file : files) count += file.load.bad_count;
  return count;
}

uint64_t ImportSummary::read_bytes() const {
  uint64_t bytes = 0;
  for (const ImportedFile& file : files) bytes += file.load.read_bytes;
  return bytes;
}

std::vector<std::string> CheckSource(const Workspace& workspace, const std::string& source,
                                     const std::vector<std::string>& entities) {
  if (source == kUnnamedSource && !workspace.sources.contains(source)) return {};
  const auto declared = workspace.sources.find(source);
  if (declared == workspace.sources.end()) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : workspace.sources) names.push_back(name);
    const auto meant = DidYouMean(source, names);
    return {
        fmt::format("{} does not declare the source \"{}\", so nobody notices when it stops "
                    "coming; {}",
                    kWorkspaceFileName, source,
                    meant ? fmt::format("did you mean \"{}\"?", *meant)
                          : fmt::format("add [source.{}] with its entity", source))};
  }
  std::vector<std::string> warnings;
  for (const std::string& entity : entities) {
    const auto& known = declared->second.entities;
    if (std::find(known.begin(), known.end(), entity) != known.end()) continue;
    warnings.push_back(
        fmt::format("{}: [source.{}] is not declared to deliver `{}`; add it to its "
                    "`entity` list",
                    declared->second.place, source, entity));
  }
  return warnings;
}

Result<ImportSummary> ImportFeeds(const ImportRequest& request, const Workspace& workspace,
                                  Store& store, const ImportEnvironment& environment) {
  return Importer(request, workspace, store, environment).Run();
}

}  // namespace rescind
