/* Writes small ONNX models, so that the tests need no file from elsewhere: the picture comes in, is
 * turned into float32 and reshaped, and that is the model's output. */
#ifndef TESTS_DETECTOR_ONNX_FILE_H
#define TESTS_DETECTOR_ONNX_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Element types of ONNX. */
enum onnx_number { ONNX_F32 = 1, ONNX_U8 = 2, ONNX_F16 = 10 };

struct onnx_shape {
    int64_t dims[4]; /* 0: not given in the file ("dynamic") */
    size_t rank;
};

/* Input "images", output "output" = Reshape(Cast(images), output shape). `declared` is the output's
 * shape in the file, `real` the one it has when it runs. */
void onnx_file_write(const char *path, enum onnx_number number, struct onnx_shape input,
                     struct onnx_shape declared, struct onnx_shape real);

#endif
