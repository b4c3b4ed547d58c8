#include "onnx_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

/* Protocol buffers: (field << 3 | wire type), then a varint or length and bytes. The field numbers
 * are those of onnx.proto. */
static void put_varint(struct str *out, uint64_t value)
{
    while (value >= 0x80) {
        str_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    str_add_char(out, (char)value);
}

static void put_number(struct str *out, unsigned field, uint64_t value)
{
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_bytes(struct str *out, unsigned field, const void *data, size_t length)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, length);
    str_add_bytes(out, data, length);
}

static void put_text(struct str *out, unsigned field, const char *text)
{
    struct str copy = {0};
    str_add(&copy, text);
    put_bytes(out, field, copy.data, copy.length);
    str_finish(&copy);
}

/* Nested message; takes `inner`'s content and empties it. */
static void put_message(struct str *out, unsigned field, struct str *inner)
{
    put_bytes(out, field, str_text(inner), inner->length);
    str_finish(inner);
}

static void put_value(struct str *graph, unsigned field, const char *name, enum onnx_number number,
                      struct onnx_shape shape)
{
    struct str value = {0}, type = {0}, tensor = {0}, dims = {0};
    for (size_t i = 0; i < shape.rank; i++) {
        struct str dim = {0};
        if (shape.dims[i] > 0) {
            put_number(&dim, 1, (uint64_t)shape.dims[i]);
        } else {
            put_text(&dim, 2, "n");
        }
        put_message(&dims, 1, &dim);
    }
    put_number(&tensor, 1, number);
    put_message(&tensor, 2, &dims);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

static void put_node(struct str *graph, const char *operation, const char *first,
                     const char *second, const char *output, int64_t to)
{
    struct str node = {0};
    put_text(&node, 1, first);
    if (second != NULL) {
        put_text(&node, 1, second);
    }
    put_text(&node, 2, output);
    put_text(&node, 4, operation);
    if (to != 0) { /* Cast's attribute */
        struct str attribute = {0};
        put_text(&attribute, 1, "to");
        put_number(&attribute, 3, (uint64_t)to);
        put_number(&attribute, 20, 2);
        put_message(&node, 5, &attribute);
    }
    put_message(graph, 1, &node);
}

static void put_shape_constant(struct str *graph, const char *name, struct onnx_shape shape)
{
    struct str tensor = {0};
    put_number(&tensor, 1, shape.rank);
    put_number(&tensor, 2, 7); /* int64 */
    put_text(&tensor, 8, name);
    put_bytes(&tensor, 9, shape.dims, shape.rank * sizeof shape.dims[0]);
    put_message(graph, 5, &tensor);
}

void onnx_file_write(const char *path, enum onnx_number number, struct onnx_shape input,
                     struct onnx_shape declared, struct onnx_shape real)
{
    struct str model = {0}, graph = {0}, opset = {0};
    put_node(&graph, "Cast", "images", NULL, "floats", ONNX_F32);
    put_node(&graph, "Reshape", "floats", "shape", "output", 0);
    put_text(&graph, 2, "test");
    put_shape_constant(&graph, "shape", real);
    put_value(&graph, 11, "images", number, input);
    put_value(&graph, 12, "output", ONNX_F32, declared);
    put_text(&opset, 1, "");
    put_number(&opset, 2, 13);
    put_number(&model, 1, 8); /* ir_version */
    put_message(&model, 7, &graph);
    put_message(&model, 8, &opset);

    FILE *file = fopen(path, "wbe");
    if (file == NULL || fwrite(model.data, 1, model.length, file) != model.length ||
        fclose(file) != 0) {
        perror(path);
        abort();
    }
    str_finish(&model);
}
