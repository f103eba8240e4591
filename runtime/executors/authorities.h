// CheckAuthorityFile: is what `ca_file` names a list of certificates, all of it?
//
// The libraries behind a target each stop at another mistake of such a file, and call it a server
// that cannot be reached or verified, or wait for a FIFO. It does not ask whether a certificate is
// still valid or fits a server: that shows when one connects.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace rescind {

// kDenied, naming the file, the certificate that is damaged ("the 2nd certificate, in line 14") and
// the remedy: as with secrets, a person mends the file and then the target works. An empty `path`,
// the system's own list, is fine.
Status CheckAuthorityFile(const std::string& path);

}  // namespace rescind
