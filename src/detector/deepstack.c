#include "detector/deepstack.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "detector/backend.h"
#include "detector/boxes.h"
#include "detector/jpeg.h"

#define MAX_REPLY_BYTES ((size_t)1 << 20)

struct deepstack {
    const struct cfg_detector *config;
    const struct cfg_labels *labels;
    CURL *curl;
    struct slot_jpeg *jpeg;
    struct str reply;
    atomic_bool interrupted;
};

static int label_index(const struct cfg_labels *labels, const char *name)
{
    if (strcasecmp(name, "truck") == 0) {
        name = "car";
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (strcasecmp(labels->items[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* False ends the list. */
static bool read_prediction(json_t *item, const struct cfg_model *model,
                            const struct cfg_labels *labels, struct tensor_box *box)
{
    const char *name;
    double score, x1, y1, x2, y2;
    if (json_unpack(item, "{s:s, s:F, s:F, s:F, s:F, s:F}", "label", &name, "confidence", &score,
                    "x_min", &x1, "y_min", &y1, "x_max", &x2, "y_max", &y2) != 0) {
        return false;
    }
    int label = label_index(labels, name);
    if (label < 0 || score < (double)BOXES_MIN_SCORE) {
        return false;
    }
    *box = (struct tensor_box){
        .label = (uint32_t)label,
        .score = (float)(score < 1.0 ? score : 1.0),
        .x1 = (float)(x1 / model->width),
        .y1 = (float)(y1 / model->height),
        .x2 = (float)(x2 / model->width),
        .y2 = (float)(y2 / model->height),
    };
    return true;
}

int deepstack_parse(const char *json, size_t length, const struct cfg_model *model,
                    const struct cfg_labels *labels, struct tensor_box boxes[TENSOR_MAX_BOXES],
                    unsigned *count, struct err *err)
{
    json_error_t error;
    json_t *root = json_loadb(json, length, 0, &error);
    json_t *predictions = json_object_get(root, "predictions");
    int result = 0;
    if (root == NULL) {
        result = err_set(err, EBADMSG, "the answer is not JSON: %s", error.text);
    } else if (json_is_false(json_object_get(root, "success")) || !json_is_array(predictions)) {
        const char *why = json_string_value(json_object_get(root, "error"));
        result = err_set(err, EBADMSG, "%s", why != NULL ? why : "the answer has no predictions");
    } else {
        size_t total = json_array_size(predictions);
        *count = 0;
        while (
            *count < total && *count < TENSOR_MAX_BOXES &&
            read_prediction(json_array_get(predictions, *count), model, labels, &boxes[*count])) {
            ++*count;
        }
    }
    json_decref(root);
    return result;
}

static size_t on_reply(char *data, size_t size, size_t n, void *context)
{
    struct deepstack *deepstack = context;
    if (deepstack->reply.length + size * n > MAX_REPLY_BYTES) {
        return 0; /* curl gives up */
    }
    str_add_bytes(&deepstack->reply, data, size * n);
    return size * n;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct deepstack *deepstack = context;
    return atomic_load(&deepstack->interrupted);
}

static void *deepstack_open(const struct cfg_detector *config, const struct cfg_labels *labels,
                            struct err *err)
{
    if (config->api_url == NULL || config->api_url[0] == '\0') {
        err_set(err, EINVAL, "api_url is empty");
        return NULL;
    }
    struct deepstack *deepstack = mem_alloc(sizeof *deepstack);
    deepstack->config = config;
    deepstack->labels = labels;
    deepstack->jpeg = slot_jpeg_create(&config->model);
    deepstack->curl = curl_easy_init();
    if (deepstack->curl == NULL) {
        abort();
    }
    CURL *curl = deepstack->curl;
    curl_easy_setopt(curl, CURLOPT_URL, config->api_url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(config->api_timeout * 1000.0 + 0.5));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, deepstack);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, deepstack);
    return deepstack;
}

static void deepstack_close(void *context)
{
    struct deepstack *deepstack = context;
    curl_easy_cleanup(deepstack->curl);
    slot_jpeg_destroy(deepstack->jpeg);
    str_finish(&deepstack->reply);
    free(deepstack);
}

static int post(struct deepstack *deepstack, const uint8_t *jpeg, size_t length, struct err *err)
{
    CURL *curl = deepstack->curl;
    curl_mime *form = curl_mime_init(curl);
    curl_mimepart *part = curl_mime_addpart(form);
    curl_mime_name(part, "api_key");
    curl_mime_data(part, deepstack->config->api_key, CURL_ZERO_TERMINATED);
    part = curl_mime_addpart(form);
    curl_mime_name(part, "image");
    curl_mime_filename(part, "image.jpg");
    curl_mime_type(part, "image/jpeg");
    curl_mime_data(part, (const char *)jpeg, length);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);

    str_clear(&deepstack->reply);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(form);
    if (code != CURLE_OK) {
        return err_set(err, EIO, "%s", curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? 0 : err_set(err, EIO, "HTTP status %ld", status);
}

static int deepstack_detect(void *context, const uint8_t *input,
                            struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count,
                            struct err *err)
{
    struct deepstack *deepstack = context;
    const uint8_t *jpeg;
    size_t length;
    int result = slot_jpeg_encode(deepstack->jpeg, input, &jpeg, &length, err);
    if (result == 0) {
        result = post(deepstack, jpeg, length, err);
    }
    if (result == 0) {
        result = deepstack_parse(str_text(&deepstack->reply), deepstack->reply.length,
                                 &deepstack->config->model, deepstack->labels, boxes, count, err);
    }
    return result == 0 ? 0 : err_prefix(err, "deepstack server");
}

static void deepstack_interrupt(void *context)
{
    struct deepstack *deepstack = context;
    atomic_store(&deepstack->interrupted, true);
}

const struct backend deepstack_backend = {
    .title = "DeepStack",
    .open = deepstack_open,
    .close = deepstack_close,
    .detect = deepstack_detect,
    .interrupt = deepstack_interrupt,
};
