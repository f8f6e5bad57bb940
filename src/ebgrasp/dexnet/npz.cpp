#include "ebgrasp/dexnet/npz.hpp"

#include <algorithm>
#include <memory>
#include <zip.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr const char* member_name = "arr_0.npy";

struct Deleter {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using Source = std::unique_ptr<zip_source_t, Deleter>;
using Archive = std::unique_ptr<zip_t, Deleter>;
using Member = std::unique_ptr<zip_file_t, Deleter>;

/// libzip's error of the last call that was given it.
class ZipError {
  public:
    ZipError() { zip_error_init(&error_); }
    ~ZipError() { zip_error_fini(&error_); }
    ZipError(const ZipError&) = delete;
    ZipError& operator=(const ZipError&) = delete;

    operator zip_error_t*() { return &error_; }
    const char* text() { return zip_error_strerror(&error_); }

  private:
    zip_error_t error_;
};

/// An archive in `bytes`, or an empty one that can be written if `bytes` is empty. `bytes` must outlive the source.
Source open_source(std::string_view bytes, const std::string& name) {
    ZipError error;
    Source source(zip_source_buffer_create(bytes.empty() ? nullptr : bytes.data(), bytes.size(), 0, error));
    require(source != nullptr, name, ": ", error.text());
    return source;
}

/// Opens the archive; `source` stays valid and ours.
Archive open_archive(zip_source_t* source, int flags, const std::string& name) {
    ZipError error;
    zip_source_keep(source);
    Archive archive(zip_open_from_source(source, flags, error));
    if (!archive) zip_source_free(source);
    require(archive != nullptr, name, ": is not a readable .npz file (", error.text(), ")");
    return archive;
}

/// Unpacks the archive's only member, of at most `limit` bytes. libzip compares the check sum when the end is reached,
/// but not the size.
std::string unpack(zip_t* archive, std::size_t limit, const std::string& name) {
    zip_stat_t status;
    zip_stat_init(&status);
    const bool known = zip_stat_index(archive, 0, 0, &status) == 0 && (status.valid & ZIP_STAT_SIZE);
    require(known && status.size <= limit, name, ": ", member_name, " claims to unpack to ", status.size,
            " bytes, above the limit of ", limit);
    const Member member(zip_fopen_index(archive, 0, 0));
    require(member != nullptr, name, ": ", member_name, " cannot be unpacked (", zip_strerror(archive), ")");
    std::string bytes(status.size, '\0');
    const zip_int64_t count = zip_fread(member.get(), bytes.data(), bytes.size());
    char beyond;
    const zip_int64_t more = count < 0 ? count : zip_fread(member.get(), &beyond, 1);
    require(more >= 0, name, ": ", member_name, " is damaged (", zip_file_strerror(member.get()), ")");
    require(more == 0 && count == static_cast<zip_int64_t>(bytes.size()), name, ": ", member_name,
            " is damaged (it does not unpack to the ", status.size, " bytes announced)");
    return bytes;
}

/// All bytes of a source.
std::string read_source(zip_source_t* source, const std::string& name) {
    zip_stat_t status;
    zip_stat_init(&status);
    require(zip_source_stat(source, &status) == 0 && zip_source_open(source) == 0, name, ": ",
            zip_error_strerror(zip_source_error(source)));
    std::string bytes(status.size, '\0');
    const zip_int64_t count = zip_source_read(source, bytes.data(), bytes.size());
    zip_source_close(source);
    require(count == static_cast<zip_int64_t>(bytes.size()), name, ": ", zip_error_strerror(zip_source_error(source)));
    return bytes;
}

}  // namespace

NpyArray read_npz(const fs::path& path) {
    const std::string name = path.string();
    const std::string file = read_file(path, max_npz_bytes);
    require(!file.empty(), name, ": is empty");
    const Source source = open_source(file, name);
    const Archive archive = open_archive(source.get(), ZIP_RDONLY, name);
    const zip_int64_t members = zip_get_num_entries(archive.get(), 0);
    require(members == 1, name, ": holds ", members, " arrays, expected ", member_name, " alone");
    const char* found = zip_get_name(archive.get(), 0, 0);
    require(found && std::string_view(found) == member_name, name, ": holds another member than ", member_name,
            "; write it with np.savez_compressed(file, array)");
    // Deflate packs 1032 bytes into one at most (zlib's technical notes): a claim beyond that is a lie.
    const std::size_t limit = std::min(max_npz_bytes, 1032 * file.size());
    return parse_npy(unpack(archive.get(), limit, name), name);
}

void write_npz(const fs::path& path, const NpyArray& array) {
    const std::string name = path.string();
    const std::string npy = to_npy(array);
    const Source packed = open_source({}, name);
    Archive archive = open_archive(packed.get(), ZIP_TRUNCATE, name);
    Source member = open_source(npy, name);
    const zip_int64_t index = zip_file_add(archive.get(), member_name, member.get(), 0);
    require(index >= 0, name, ": ", zip_strerror(archive.get()));
    member.release();  // the archive's now
    const auto entry = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t midnight = 0, new_year_1980 = (1 << 5) | 1;
    zip_set_file_compression(archive.get(), entry, ZIP_CM_DEFLATE, 0);
    zip_file_set_dostime(archive.get(), entry, midnight, new_year_1980, 0);
    require(zip_close(archive.get()) == 0, name, ": ", zip_strerror(archive.get()));
    archive.release();  // closed
    write_file_atomically(path, read_source(packed.get(), name));
}

}  // namespace ebgrasp
