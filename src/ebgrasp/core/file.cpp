#include "ebgrasp/core/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

std::string read_file(const fs::path& path, std::size_t max_bytes) {
    std::error_code code;
    const auto status = fs::status(path, code);
    require(fs::exists(status), path.string(), ": no such file");
    require(!fs::is_directory(status), path.string(), ": is a folder, not a file");
    std::ifstream in(path, std::ios::binary);
    require(in.good(), path.string(), ": cannot be opened (", std::strerror(errno), ")");
    if (fs::is_regular_file(status)) {
        const auto size = fs::file_size(path);
        require(size <= max_bytes, path.string(), ": has ", size, " bytes, above the limit of ", max_bytes);
        std::string bytes(size, '\0');
        in.read(bytes.data(), static_cast<std::streamsize>(size));
        require(static_cast<std::size_t>(in.gcount()) == size, path.string(), ": cannot be read");
        return bytes;
    }
    std::string bytes;  // a pipe or a device: its size is not known beforehand
    char buffer[1 << 16];
    while (in.read(buffer, sizeof buffer), in.gcount() > 0) {
        bytes.append(buffer, static_cast<std::size_t>(in.gcount()));
        require(bytes.size() <= max_bytes, path.string(), ": has more than ", max_bytes, " bytes");
    }
    return bytes;
}

void write_file_atomically(const fs::path& given, const std::function<void(std::ostream&)>& write) {
    std::error_code code;
    const fs::path path = fs::is_symlink(given, code) ? fs::weakly_canonical(given) : given;  // the link stays a link
    if (fs::exists(path, code) && !fs::is_regular_file(path, code) && !fs::is_directory(path, code)) {
        std::ofstream device(path, std::ios::binary);  // /dev/stdout or a pipe: a rename would replace it
        write(device);
        device.close();
        require(!device.fail(), path.string(), ": cannot be written");
        return;
    }
    if (path.has_parent_path()) {
        fs::create_directories(path.parent_path(), code);
        require(!code, path.parent_path().string(), ": cannot be made (", code.message(), ")");
    }
    const fs::path temporary = path.string() + ".tmp" + std::to_string(getpid());
    const auto give_up = [&](const std::string& why) {
        fs::remove(temporary, code);
        fail(path.string(), ": cannot be written (", why, ")");
    };
    try {
        errno = 0;
        std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
        if (!out) give_up(std::strerror(errno));
        write(out);
        out.close();
        if (!out) give_up(errno != 0 ? std::strerror(errno) : "disk full?");
    } catch (...) {
        fs::remove(temporary, code);
        throw;
    }
    const int descriptor = open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
    const bool flushed = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0) close(descriptor);
    if (!flushed) give_up(std::strerror(errno));
    fs::rename(temporary, path, code);
    if (code) give_up(code.message());
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
    write_file_atomically(
        path, [&](std::ostream& out) { out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

}  // namespace ebgrasp
