// One small picture in four formats: a harbour, drawn by scripts/make_images.
//
// The bytes are checked in (image_data.cc), because encoders for JPEG and WebP would be two more
// libraries in the program for two pictures that never change.
#pragma once

#include "core/base/bytes.h"

namespace polyport::services::http {

Bytes png_image();
Bytes jpeg_image();
Bytes webp_image();
Bytes svg_image();

}  // namespace polyport::services::http
