#include "ebgrasp/viz/movie.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <system_error>
#include <unistd.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/viz/gif.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using Frames = std::function<Picture(int)>;  // checked: all of one size

void write_gif(const fs::path& path, int count, double fps, const Frames& frame) {
    const int delay = std::clamp(static_cast<int>(std::lround(100 / fps)), 2, 65535);
    write_file_atomically(path, [&](std::ostream& out) {
        const Picture first = frame(0);
        GifWriter gif(out, first.height, first.width, delay);
        gif.add(first);
        for (int i = 1; i < count; ++i) gif.add(frame(i));
        gif.finish();
    });
}

// The picture in OpenCV's channel order, on an even number of rows and columns, which chroma subsampling needs.
cv::Mat even_bgr(const Picture& picture) {
    cv::Mat image(picture.height + picture.height % 2, picture.width + picture.width % 2, CV_8UC3,
                  cv::Scalar::all(255));
    for (int row = 0; row < picture.height; ++row)
        for (int col = 0; col < picture.width; ++col) {
            const Color color = picture.at(row, col);
            image.at<cv::Vec3b>(row, col) = {color.b, color.g, color.r};
        }
    return image;
}

void encode_mp4(const fs::path& path, int count, double fps, const Frames& frame) {
    cv::Mat image = even_bgr(frame(0));
    cv::VideoWriter writer;
    for (const char* codec : {"avc1", "mp4v"}) {
        const int code = cv::VideoWriter::fourcc(codec[0], codec[1], codec[2], codec[3]);
        if (writer.open(path.string(), cv::CAP_FFMPEG, code, fps, image.size())) break;
    }
    require(writer.isOpened(), path.string(),
            ": no MP4 encoder opened it; check that the folder can be written to and that OpenCV's videoio has FFmpeg "
            "with H.264 or MPEG-4, or write a .gif");
    for (int i = 0; i < count; ++i) {
        if (i > 0) image = even_bgr(frame(i));
        writer.write(image);
    }
}

void write_mp4(const fs::path& path, int count, double fps, const Frames& frame) {
    std::error_code code;
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), code);
    const fs::path temporary = path.string() + ".tmp" + std::to_string(getpid()) + ".mp4";
    try {
        encode_mp4(temporary, count, fps, frame);
        fs::rename(temporary, path, code);
        require(!code, path.string(), ": cannot be written (", code.message(), ")");
    } catch (...) {
        fs::remove(temporary, code);
        throw;
    }
}

}  // namespace

void write_movie(const fs::path& path, int count, double fps, const std::function<Picture(int)>& frame) {
    require(count >= 1, path.string(), ": a movie of ", count, " frames was asked for; it needs at least one");
    require(fps > 0 && fps <= 100, path.string(), ": ", fps,
            " frames per second were asked for; it must be in (0, 100]");
    int height = 0, width = 0;
    const auto checked = [&](int i) {
        Picture picture = frame(i);
        require(!picture.rgb.empty(), path.string(), ": frame ", i, " is empty");
        if (i == 0) height = picture.height, width = picture.width;
        require(picture.height == height && picture.width == width, path.string(), ": frame ", i, " has ",
                picture.height, " x ", picture.width, " pixels, the first ", height, " x ", width);
        return picture;
    };
    const std::string extension = path.extension().string();
    if (extension == ".gif") return write_gif(path, count, fps, checked);
    if (extension == ".mp4") return write_mp4(path, count, fps, checked);
    fail(path.string(), ": a movie's file must end in .mp4 or .gif");
}

}  // namespace ebgrasp
