#include "engine/check/schema_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "engine/check/expression_checker.h"

namespace rescind::check {

namespace {

std::optional<TypeKind> ScalarOf(std::string_view name) {
  if (name == "text") return TypeKind::kText;
  if (name == "bool") return TypeKind::kBool;
  if (name == "int") return TypeKind::kInt;
  if (name == "time") return TypeKind::kTime;
  if (name == "date") return TypeKind::kDate;
  if (name == "duration") return TypeKind::kDuration;
  return std::nullopt;
}

std::vector<std::string> TypeNames(const Schema& schema) {
  std::vector<std::string> names = {"text", "bool", "int", "time", "date", "duration"};
  for (const EntityDef& entity : schema.entities()) names.push_back(entity.name);
  return names;
}

void ReportUnknownType(CheckState& state, const ast::QualifiedName& name, bool entities_only) {
  if (state.entities_incomplete || !name.ok()) return;
  std::vector<std::string> candidates = TypeNames(state.schema());
  if (entities_only) candidates.erase(candidates.begin(), candidates.begin() + 6);
  state
      .Mistake(kUnknownType, name.span,
               fmt::format("there is no {} `{}`", entities_only ? "entity" : "type", name.Text()))
      .Suggest(name.parts.back().text, name.parts.back().span, candidates);
}

std::optional<EnumId> EnumOf(CheckState& state, const ast::TypeRef& type) {
  EnumDef definition;
  definition.ordered = type.ordered;
  bool sound = true;
  for (const ast::Name& member : type.members) {
    if (!member.ok()) {
      sound = false;
    } else if (definition.Find(member.text)) {
      state
          .Mistake(kBadEnum, member.span,
                   fmt::format("the member `{}` is there twice", member.text))
          .Help("leave one out");
      sound = false;
    } else {
      definition.members.push_back(member.text);
    }
  }
  if (definition.members.size() > kMaxEnumMembers) {
    state
        .Mistake(kBadEnum, type.span,
                 fmt::format("an enum has at most {} members", kMaxEnumMembers))
        .Label(fmt::format("these are {}", definition.members.size()))
        .Help("make it an entity of its own, or text");
    sound = false;
  }
  if (!sound || definition.members.empty()) return std::nullopt;
  return state.schema().AddEnum(std::move(definition));
}

// The entity that a name means; a qualified one must end in it.
std::optional<EntityId> EntityOf(CheckState& state, const ast::QualifiedName& name) {
  if (!name.ok()) return std::nullopt;
  return state.schema().Find(name.parts.back().text);
}

std::optional<FieldType> SetOf(CheckState& state, const ast::TypeRef& type);

std::optional<FieldType> Resolve(CheckState& state, const ast::TypeRef& type) {
  FieldType result;
  result.optional = type.optional;
  switch (type.kind) {
    case ast::TypeRef::Kind::kError: return std::nullopt;
    case ast::TypeRef::Kind::kEnum: {
      const auto enumeration = EnumOf(state, type);
      if (!enumeration) return std::nullopt;
      result.kind = TypeKind::kEnum;
      result.enumeration = *enumeration;
      return result;
    }
    case ast::TypeRef::Kind::kSet: return SetOf(state, type);
    case ast::TypeRef::Kind::kNamed: break;
  }
  if (!type.name.ok()) return std::nullopt;
  if (type.name.parts.size() == 1) {
    if (const auto scalar = ScalarOf(type.name.parts.front().text)) {
      result.kind = *scalar;
      return result;
    }
  }
  const auto entity = EntityOf(state, type.name);
  if (!entity) {
    ReportUnknownType(state, type.name, false);
    return std::nullopt;
  }
  result.kind = TypeKind::kReference;
  result.entity = *entity;
  return result;
}

std::optional<FieldType> SetOf(CheckState& state, const ast::TypeRef& type) {
  const auto element = Resolve(state, *type.element);
  if (!element) return std::nullopt;
  const bool fits = element->kind == TypeKind::kText || element->kind == TypeKind::kInt ||
                    element->kind == TypeKind::kEnum || element->kind == TypeKind::kReference;
  if (!fits || element->optional) {
    state
        .Mistake(kBadField, type.element->span,
                 fmt::format("there is no set of `{}`", FormatType(state.schema(), *element)))
        .Help("sets hold text, int, enums or rows of an entity, none of them unknown");
    return std::nullopt;
  }
  if (type.optional) {
    const Span mark{type.span.file, type.span.end - 1, type.span.end};
    state.Mistake(kBadField, type.span, "a set is never unknown: a missing one is empty")
        .Help("leave the `?` out", {{mark, ""}});
    return std::nullopt;
  }
  FieldType result;
  result.kind = TypeKind::kSet;
  result.element = element->kind;
  result.enumeration = element->enumeration;
  result.entity = element->entity;
  return result;
}

class Builder {
 public:
  Builder(CheckState& state, std::vector<EntitySource> sources)
      : state_(state), sources_(std::move(sources)) {}

  void Build() {
    Order();
    for (const EntitySource& source : sources_) AddEntity(source);
    for (const EntitySource& source : sources_) AddFields(source);
    AddExtensions();
    for (const auto& [entity, field] : many_) {
      if (!AddMany(entity, *field)) state_.broken_fields.insert({entity, field->name.text});
    }
  }

 private:
  void Order() {
    std::stable_sort(sources_.begin(), sources_.end(),
                     [](const EntitySource& a, const EntitySource& b) {
                       if (a.is_standard != b.is_standard) return a.is_standard;
                       if (a.is_standard) return false;
                       return a.decl->name.Text() < b.decl->name.Text();
                     });
  }

  void AddEntity(const EntitySource& source) {
    const ast::QualifiedName& name = source.decl->name;
    if (source.decl->extends || !name.ok()) return;
    if (ScalarOf(name.Text())) {
      state_.Mistake(kDeclaredTwice, name.span,
                     fmt::format("`{}` is a type of the language", name.Text()));
      return;
    }
    const auto taken = entity_spans_.find(name.Text());
    if (taken != entity_spans_.end()) {
      state_
          .Mistake(kDeclaredTwice, name.span,
                   fmt::format("there is an entity `{}` already", name.Text()))
          .Note(taken->second, "it is declared here")
          .Help(fmt::format("add fields to it with `extend {} {{ … }}`", name.Text()));
      return;
    }
    entity_spans_[name.Text()] = name.span;
    owners_[source.decl] = state_.schema().AddEntity(name.Text());
  }

  void AddFields(const EntitySource& source) {
    const auto owner = owners_.find(source.decl);
    if (owner == owners_.end()) return;
    for (const ast::Field& field : source.decl->fields) AddField(owner->second, field);
  }

  void AddExtensions() {
    std::vector<std::pair<EntityId, const ast::Field*>> fields;
    for (const EntitySource& source : sources_) {
      if (!source.decl->extends || !source.decl->name.ok()) continue;
      const auto entity = EntityOf(state_, source.decl->name);
      if (!entity) {
        ReportUnknownType(state_, source.decl->name, true);
        continue;
      }
      for (const ast::Field& field : source.decl->fields) fields.emplace_back(*entity, &field);
    }
    std::stable_sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first, a.second->name.text) < std::pair(b.first, b.second->name.text);
    });
    for (const auto& [entity, field] : fields) AddField(entity, *field);
  }

  bool NameIsFree(EntityId entity, const ast::Field& field) {
    if (!field.name.ok()) return false;
    if (field.name.text == "id") {
      state_.Mistake(kBadField, field.name.span, "every entity has an `id : text` by itself")
          .Help("leave it out");
      return false;
    }
    const auto [place, added] = field_spans_.insert({{entity, field.name.text}, field.name.span});
    if (added) return true;
    state_
        .Mistake(kDeclaredTwice, field.name.span,
                 fmt::format("`{}` has a field `{}` already", state_.schema().entity(entity).name,
                             field.name.text))
        .Note(place->second, "it is declared here");
    return false;
  }

  void AddField(EntityId entity, const ast::Field& field) {
    if (!NameIsFree(entity, field)) return;
    if (field.many) {
      many_.emplace_back(entity, &field);
      return;
    }
    auto type = Resolve(state_, field.type);
    if (!type) {
      state_.broken_fields.insert({entity, field.name.text});
      return;
    }
    bool tracked = field.tracked;
    if (tracked && type->kind == TypeKind::kSet) {
      state_.Mistake(kBadField, field.tracked_span, "the past of a set is not kept")
          .Help("leave `tracked` out");
      tracked = false;
    }
    const bool latest = field.latest && type->kind == TypeKind::kTime;
    if (field.latest && !latest) {
      state_.Mistake(kBadField, field.latest_span, "only a `time` is the latest of many")
          .Help("leave `latest` out");
    }
    state_.schema().AddField(entity, {field.name.text, *type, tracked, latest});
  }

  // False when it cannot be: reported, here or where what it names is declared.
  bool AddMany(EntityId owner, const ast::Field& field) {
    const auto entity = EntityOf(state_, field.many->entity);
    if (!entity) {
      ReportUnknownType(state_, field.many->entity, true);
      return false;
    }
    if (!field.many->via.ok()) return false;
    const std::string& owner_name = state_.schema().entity(owner).name;
    const auto via = state_.schema().entity(*entity).Find(field.many->via.text);
    const bool inverse = via &&
                         state_.schema().field(*entity, *via).type.kind == TypeKind::kReference &&
                         state_.schema().field(*entity, *via).type.entity == owner;
    if (!inverse) {
      if (!via && state_.FieldMayBeHidden(*entity, field.many->via.text)) return false;
      std::vector<std::string> names;
      for (const FieldDef& candidate : state_.schema().entity(*entity).fields) {
        if (candidate.type.kind == TypeKind::kReference && candidate.type.entity == owner) {
          names.push_back(candidate.name);
        }
      }
      auto mistake = state_.Mistake(
          kBadInverse, field.many->via.span,
          fmt::format("`{}.{}` does not refer to `{}`", state_.schema().entity(*entity).name,
                      field.many->via.text, owner_name));
      mistake.Suggest(field.many->via.text, field.many->via.span, names);
      if (!names.empty()) {
        mistake.Help(fmt::format("`many` inverts a reference, such as `{}`", names.front()));
      }
      return false;
    }
    FieldType type;
    type.kind = TypeKind::kMany;
    type.entity = *entity;
    type.via = *via;
    state_.schema().AddField(owner, {field.name.text, type, false});
    if (field.tracked) {
      state_.Mistake(kBadField, field.tracked_span, "`many` is read from the other side")
          .Help("track the reference instead");
    }
    return true;
  }

  CheckState& state_;
  std::vector<EntitySource> sources_;
  std::map<const ast::EntityDecl*, EntityId> owners_;
  std::map<std::string, Span> entity_spans_;
  std::map<std::pair<EntityId, std::string>, Span> field_spans_;
  std::vector<std::pair<EntityId, const ast::Field*>> many_;
};

}  // namespace

void BuildSchema(CheckState& state, std::vector<EntitySource> sources) {
  Builder(state, std::move(sources)).Build();
}

typed::Type ResolveType(CheckState& state, const ast::TypeRef& type) {
  const auto resolved = Resolve(state, type);
  return resolved ? TypeOfField(*resolved) : typed::Type{};
}

}  // namespace rescind::check
