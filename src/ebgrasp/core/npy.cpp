#include "ebgrasp/core/npy.hpp"

#include <Eigen/Core>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are stored little-endian");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_dimensions = 32;  // NumPy's own limit

/// The header's fields as written.
struct Header {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;
};

/// Reads the Python dictionary literal of a header: two strings, a bool and a tuple of integers.
class HeaderParser {
  public:
    HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

    Header parse() {
        Header header;
        expect('{');
        while (!eat('}')) {
            const auto key = quoted();
            expect(':');
            if (key == "descr")
                header.descr = description();
            else if (key == "fortran_order")
                header.fortran_order = boolean();
            else if (key == "shape")
                header.shape = tuple();
            else
                fail(name_, ": unknown key '", key, "' in its .npy header");
            if (eat('}')) break;
            expect(',');
        }
        require(header.descr && header.fortran_order && header.shape, name_,
                ": its .npy header lacks descr, fortran_order or shape");
        return header;
    }

  private:
    void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }

    bool eat(char c) {
        skip_space();
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }

    void expect(char c) { require(eat(c), name_, ": damaged .npy header, '", c, "' expected"); }

    std::string quoted() {
        const char quote = eat('"') ? '"' : '\'';
        if (quote == '\'') expect('\'');
        const auto end = text_.find(quote);
        require(end != text_.npos, name_, ": damaged .npy header, a string does not end");
        const std::string word(text_.substr(0, end));
        text_.remove_prefix(end + 1);
        return word;
    }

    std::string description() {
        require(!eat('['), name_, ": is a structured array; a plain array of numbers is needed");
        return quoted();
    }

    bool boolean() {
        skip_space();
        for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
            if (!text_.starts_with(word)) continue;
            text_.remove_prefix(word.size());
            return value;
        }
        fail(name_, ": damaged .npy header, fortran_order is neither True nor False");
    }

    std::vector<std::size_t> tuple() {
        std::vector<std::size_t> values;
        expect('(');
        while (!eat(')')) {
            require(values.size() < max_dimensions, name_, ": has more than ", max_dimensions, " dimensions");
            skip_space();
            std::size_t value = 0;
            const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
            require(error == std::errc(), name_, ": damaged .npy header, a shape is not made of sizes");
            text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
            values.push_back(value);
            eat('L');  // Python 2 wrote long integers so
            if (eat(')')) break;
            expect(',');
        }
        return values;
    }

    std::string_view text_;
    const std::string& name_;
};

std::size_t checked_size(const std::vector<std::size_t>& shape, std::size_t item_size, const std::string& name) {
    std::size_t size = item_size;
    for (const std::size_t n : shape)
        require(!__builtin_mul_overflow(size, n, &size), name, ": its shape overflows the address space");
    return size / item_size;
}

/// Bytes per element of `dtype` (without byte order), 0 if it is not a real number type.
std::size_t item_size(std::string_view dtype) {
    for (const std::string_view known : {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
        if (dtype == known) return static_cast<std::size_t>(dtype[1] - '0');
    return 0;
}

/// The elements of a Fortran-order array in C order.
std::string to_c_order(std::string_view data, const std::vector<std::size_t>& shape, std::size_t item) {
    std::string result(data.size(), '\0');
    std::vector<std::size_t> index(shape.size(), 0);
    for (std::size_t to = 0; to < data.size(); to += item) {
        std::size_t from = 0;
        for (std::size_t k = shape.size(); k-- > 0;) from = from * shape[k] + index[k];
        std::memcpy(&result[to], &data[from * item], item);
        for (std::size_t k = shape.size(); k-- > 0 && ++index[k] == shape[k];) index[k] = 0;
    }
    return result;
}

/// `value` as a T, as NumPy's astype, but an integer that cannot hold it is an error.
template <typename T, typename From>
T converted(From value) {
    if constexpr (std::is_integral_v<T> && std::is_floating_point_v<From>) {
        // max + 1 is a power of two, hence exact; NaN fails both comparisons
        constexpr auto above = 2.0 * static_cast<double>(std::numeric_limits<T>::max() / 2 + 1);
        require(value > static_cast<double>(std::numeric_limits<T>::min()) - 1.0 && value < above, "array element ",
                value, " does not fit an integer of ", 8 * sizeof(T), " bits");
    } else if constexpr (std::is_integral_v<T>) {
        require(std::in_range<T>(value), "array element ", +value, " does not fit an integer of ", 8 * sizeof(T),
                " bits");
    }
    return static_cast<T>(value);
}

template <typename T, typename Stored>
std::vector<T> convert(const std::string& bytes) {
    std::vector<T> values(bytes.size() / sizeof(Stored));
    for (std::size_t i = 0; i < values.size(); ++i) {
        Stored element;
        std::memcpy(&element, bytes.data() + i * sizeof(Stored), sizeof(Stored));
        if constexpr (std::is_same_v<Stored, Eigen::half>)
            values[i] = converted<T>(static_cast<float>(element));
        else
            values[i] = converted<T>(element);
    }
    return values;
}

template <NpyElement T>
constexpr const char* descr_of() {
    if constexpr (std::same_as<T, float>) return "<f4";
    if constexpr (std::same_as<T, double>) return "<f8";
    if constexpr (std::same_as<T, std::uint8_t>) return "|u1";
    if constexpr (std::same_as<T, std::uint16_t>) return "<u2";
    if constexpr (std::same_as<T, std::int32_t>) return "<i4";
    if constexpr (std::same_as<T, std::int64_t>) return "<i8";
}

/// What precedes the data of an array whose elements are `descr`, with byte order.
std::string header_of(const std::string& descr, const std::vector<std::size_t>& shape) {
    std::string tuple;
    for (const std::size_t n : shape) tuple += (tuple.empty() ? "" : ", ") + std::to_string(n);
    if (shape.size() == 1) tuple += ",";
    std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + tuple + "), }";
    constexpr std::size_t prefix = 10, alignment = 64;
    text.append(alignment - 1 - (prefix + text.size()) % alignment, ' ');
    text += '\n';
    require(text.size() < 65536, "an array of ", shape.size(), " dimensions does not fit a .npy header");
    std::string header = std::string(magic) + '\x01' + '\0';
    header += static_cast<char>(text.size() & 0xff);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
}

}  // namespace

std::size_t NpyArray::size() const { return checked_size(shape, 1, "array"); }

template <typename T>
std::vector<T> NpyArray::as() const {
    if (dtype == "f2") return convert<T, Eigen::half>(bytes);
    if (dtype == "f4") return convert<T, float>(bytes);
    if (dtype == "f8") return convert<T, double>(bytes);
    if (dtype == "i1") return convert<T, std::int8_t>(bytes);
    if (dtype == "i2") return convert<T, std::int16_t>(bytes);
    if (dtype == "i4") return convert<T, std::int32_t>(bytes);
    if (dtype == "i8") return convert<T, std::int64_t>(bytes);
    if (dtype == "u2") return convert<T, std::uint16_t>(bytes);
    if (dtype == "u4") return convert<T, std::uint32_t>(bytes);
    if (dtype == "u8") return convert<T, std::uint64_t>(bytes);
    return convert<T, std::uint8_t>(bytes);  // "u1", "b1"
}

NpyArray parse_npy(std::string_view file, const std::string& name) {
    require(file.starts_with(magic) && file.size() >= 10, name, ": is not a .npy file");
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(file[i])); };
    const auto version = byte(6);
    require(version >= 1 && version <= 3, name, ": is of .npy version ", version, "; 1 to 3 can be read");
    const std::size_t start = version == 1 ? 10 : 12;
    require(file.size() >= start, name, ": ends within its .npy header");
    std::size_t length = byte(8) | byte(9) << 8;
    if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
    require(length <= file.size() - start, name, ": ends within its .npy header (", length, " bytes announced)");

    const Header header = HeaderParser(file.substr(start, length), name).parse();
    const std::string& descr = *header.descr;
    require(!descr.starts_with('>'), name, ": is big-endian (", descr,
            "); save it as little-endian: a.astype(a.dtype.newbyteorder('<'))");
    NpyArray array;
    array.dtype = descr.substr(descr.find_first_not_of("<|=") == 1 ? 1 : 0);
    const std::size_t item = item_size(array.dtype);
    require(item > 0, name, ": has elements of type '", descr, "'; real numbers of 1 to 8 bytes are needed");
    array.shape = *header.shape;
    const std::size_t expected = checked_size(array.shape, item, name) * item;
    const std::string_view data = file.substr(start + length);
    require(data.size() == expected, name, ": has ", data.size(), " bytes of data, but its shape needs ", expected,
            data.size() < expected ? " (truncated?)" : "");
    array.bytes =
        *header.fortran_order && array.shape.size() > 1 ? to_c_order(data, array.shape, item) : std::string(data);
    return array;
}

NpyArray read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path), path.string()); }

std::string to_npy(const NpyArray& array) {
    return header_of((item_size(array.dtype) == 1 ? "|" : "<") + array.dtype, array.shape) + array.bytes;
}

template <NpyElement T>
std::string npy_header(const std::vector<std::size_t>& shape) {
    return header_of(descr_of<T>(), shape);
}

template <NpyElement T>
void write_npy(const std::filesystem::path& path, std::span<const T> values, const std::vector<std::size_t>& shape) {
    const std::size_t expected = checked_size(shape, sizeof(T), path.string());
    require(values.size() == expected, path.string(), ": ", values.size(), " values given, but its shape needs ",
            expected);
    write_file_atomically(path, [&](std::ostream& out) {
        out << npy_header<T>(shape);
        out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
    });
}

#define EBGRASP_INSTANTIATE(T)                                           \
    template std::vector<T> NpyArray::as<T>() const;                     \
    template std::string npy_header<T>(const std::vector<std::size_t>&); \
    template void write_npy<T>(const std::filesystem::path&, std::span<const T>, const std::vector<std::size_t>&);
EBGRASP_INSTANTIATE(float)
EBGRASP_INSTANTIATE(double)
EBGRASP_INSTANTIATE(std::uint8_t)
EBGRASP_INSTANTIATE(std::uint16_t)
EBGRASP_INSTANTIATE(std::int32_t)
EBGRASP_INSTANTIATE(std::int64_t)
#undef EBGRASP_INSTANTIATE

}  // namespace ebgrasp
