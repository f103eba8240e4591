// Old has left, and has two accounts, ann and eve, which a policy disables both or not at all.
#pragma once

#include <string>

#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {

struct LeaverFixture : CompanyFixture {
  // The policy gives up after `retry_for`.
  void ImportLeaver(const std::string& retry_for,
                    const std::string& stages = "  then { disable i.accounts }\n") {
    WriteLeaver(stages, retry_for);
    ImportCompany();
    ImportOld();
    Write("on-ann", "");
    Write("on-eve", "");
  }
  void WriteLeaver(const std::string& stages, const std::string& retry_for,
                   const std::string& outcome = "rollback") {
    Write("policies/access.rescind", R"(
policy leaver "Leavers lose their accounts, all or none" {
  controls iso_27001 "A.5.18"
  mode enforce
  for i in identity
  when i.status == terminated
  because "left"
)" + stages + "  on failure retry for " + retry_for +
                                         " then " + outcome + "\n}\n");
  }
  void ImportOld() {
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"old\",\"kind\":\"employee\",\"status\":\"terminated\"}\n"
        "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"old\"}\n"
        "{\"entity\":\"account\",\"id\":\"eve\",\"owner\":\"old\"}\n");
  }
  // What the system answers when eve's account is to be disabled.
  void AnswerForEve(const std::string& outcome) {
    Write("fault-apply", "if [ $id = eve ]; then reply '\"outcome\":\"" + outcome +
                             "\",\"detail\":\"no right\"'; exit 0; fi\n");
  }
};

}  // namespace rescind
