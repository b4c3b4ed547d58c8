/* The DeepStack client against a server of our own on a loopback port. */
#include "cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <turbojpeg.h>

#include "base/mem.h"
#include "base/str.h"
#include "detector/backend.h"
#include "detector/deepstack.h"

#define WIDTH 64
#define HEIGHT 48

static char *names[] = {(char *)"person", (char *)"bicycle", (char *)"car", (char *)"dog"};
static const struct cfg_labels labels = {names, 4};

/* One request: everything up to the end of the body is kept, then `reply` is sent as it is; or,
 * with no reply, nothing ever. */
struct peer {
    int fd, port;
    const char *reply;
    struct str request;
    pthread_t thread;
};

static bool complete(const struct str *request)
{
    const char *body = request->length > 0 ? strstr(request->data, "\r\n\r\n") : NULL;
    const char *length = body != NULL ? strcasestr(request->data, "content-length:") : NULL;
    return length != NULL && (size_t)(request->data + request->length - body - 4) >=
                                 (size_t)strtoul(length + 15, NULL, 10);
}

static void *serve(void *context)
{
    struct peer *peer = context;
    int fd = accept(peer->fd, NULL, NULL);
    char buffer[4096];
    ssize_t n;
    while (!complete(&peer->request) && (n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        str_add_bytes(&peer->request, buffer, (size_t)n);
    }
    if (peer->reply != NULL) {
        send(fd, peer->reply, strlen(peer->reply), MSG_NOSIGNAL);
    } else {
        while (recv(fd, buffer, sizeof buffer, 0) > 0) { /* until the client gives up */
        }
    }
    close(fd);
    return NULL;
}

static void peer_start(struct peer *peer, const char *reply)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *peer = (struct peer){.reply = reply};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->fd, 1), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &length), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_finish(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    close(peer->fd);
    str_finish(&peer->request);
}

static struct cfg_detector config_for(int port, char *url, size_t size)
{
    snprintf(url, size, "http://127.0.0.1:%d/v1/vision/detection", port);
    return (struct cfg_detector){
        .name = (char *)"ds",
        .type = (char *)"deepstack",
        .api_url = url,
        .api_timeout = 20,
        .api_key = (char *)"secret-key",
        .model = {.width = WIDTH,
                  .height = HEIGHT,
                  .input_tensor = CFG_TENSOR_NHWC,
                  .input_pixel_format = CFG_PIXELS_RGB},
    };
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"

/* Left half red, right half blue, in any layout. */
static void paint(uint8_t *input, const struct cfg_model *model)
{
    static const uint8_t colours[2][3][3] = {{{255, 0, 0}, {0, 0, 255}, {81, 90, 240}},
                                             {{0, 0, 255}, {255, 0, 0}, {41, 240, 110}}};
    size_t count = WIDTH * HEIGHT;
    for (size_t i = 0; i < count; i++) {
        size_t side = i % WIDTH < WIDTH / 2 ? 0 : 1;
        const uint8_t *colour = colours[side][model->input_pixel_format - CFG_PIXELS_RGB];
        for (size_t c = 0; c < 3; c++) {
            bool planar = model->input_tensor == CFG_TENSOR_NCHW;
            input[planar ? c * count + i : 3 * i + c] = colour[c];
        }
    }
}

static void is_colour(const uint8_t *pixel, int red, int green, int blue)
{
    assert_in_range(pixel[0] + 40, red, red + 80);
    assert_in_range(pixel[1] + 40, green, green + 80);
    assert_in_range(pixel[2] + 40, blue, blue + 80);
}

/* The JPEG in a multipart body, decoded. */
static void check_picture(const struct str *request)
{
    const char *part = strstr(request->data, "name=\"image\"");
    assert_non_null(part);
    const char *start = strstr(part, "\r\n\r\n") + 4;
    tjhandle handle = tjInitDecompress();
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    int width, height, sampling, space;
    unsigned long length = (unsigned long)(request->data + request->length - start);
    assert_int_equal(tjDecompressHeader3(handle, (const uint8_t *)start, length, &width, &height,
                                         &sampling, &space),
                     0);
    assert_int_equal(width, WIDTH);
    assert_int_equal(height, HEIGHT);
    tjDecompress2(handle, (const uint8_t *)start, length, rgb, WIDTH, 0, HEIGHT, TJPF_RGB, 0);
    tjDestroy(handle);
    is_colour(rgb + 3 * (20 * WIDTH + 10), 255, 0, 0);
    is_colour(rgb + 3 * (20 * WIDTH + 50), 0, 0, 255);
}

static void test_request_and_answer(void **state)
{
    for (int pixels = CFG_PIXELS_RGB; pixels <= CFG_PIXELS_YUV; pixels++) {
        for (int layout = CFG_TENSOR_NHWC; layout <= CFG_TENSOR_NCHW; layout++) {
            struct peer peer;
            peer_start(&peer, OK_HEAD "{\"success\":true,\"predictions\":[{\"label\":\"Truck\","
                                      "\"confidence\":0.75,\"x_min\":16,\"y_min\":12,\"x_max\":32,"
                                      "\"y_max\":24}]}");
            char url[100];
            struct cfg_detector config = config_for(peer.port, url, sizeof url);
            config.model.input_pixel_format = (enum cfg_pixels)pixels;
            config.model.input_tensor = (enum cfg_tensor)layout;
            struct err err = ERR_NONE;
            void *backend = deepstack_backend.open(&config, &labels, &err);
            assert_non_null(backend);
            static uint8_t input[WIDTH * HEIGHT * 3];
            paint(input, &config.model);
            struct tensor_box boxes[TENSOR_MAX_BOXES];
            unsigned count;
            assert_int_equal(deepstack_backend.detect(backend, input, boxes, &count, &err), 0);
            assert_int_equal(count, 1);
            assert_int_equal(boxes[0].label, 2);
            assert_true(boxes[0].score == 0.75f && boxes[0].x1 == 0.25f && boxes[0].y1 == 0.25f);
            assert_true(boxes[0].x2 == 0.5f && boxes[0].y2 == 0.5f);
            deepstack_backend.close(backend);
            assert_true(str_starts(peer.request.data, "POST /v1/vision/detection HTTP/1.1\r\n"));
            assert_non_null(strstr(peer.request.data, "name=\"api_key\"\r\n\r\nsecret-key\r\n"));
            assert_non_null(strstr(peer.request.data, "Content-Type: image/jpeg"));
            check_picture(&peer.request);
            peer_finish(&peer);
        }
    }
}

static void test_bad_servers(void **state)
{
    static const struct {
        const char *reply, *says;
        double timeout;
    } cases[] = {
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP status 500", 20},
        {OK_HEAD "not json", "not JSON", 20},
        {OK_HEAD "{\"success\":false,\"error\":\"key is wrong\"}", "key is wrong", 20},
        {OK_HEAD "[]", "no predictions", 20},
        {"garbage\r\n\r\n", "deepstack server", 20},
        {NULL, "imeout", 0.05},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer;
        peer_start(&peer, cases[i].reply);
        char url[100];
        struct cfg_detector config = config_for(peer.port, url, sizeof url);
        config.api_timeout = cases[i].timeout;
        struct err err = ERR_NONE;
        void *backend = deepstack_backend.open(&config, &labels, &err);
        static const uint8_t input[WIDTH * HEIGHT * 3];
        struct tensor_box boxes[TENSOR_MAX_BOXES];
        unsigned count;
        assert_true(deepstack_backend.detect(backend, input, boxes, &count, &err) < 0);
        if (strstr(err.text, cases[i].says) == NULL) {
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
        }
        deepstack_backend.close(backend);
        peer_finish(&peer);
    }
}

static void test_nobody_there(void **state)
{
    struct peer peer;
    peer_start(&peer, OK_HEAD "{}");
    char url[100];
    struct cfg_detector config = config_for(1, url, sizeof url); /* nothing listens on port 1 */
    struct err err = ERR_NONE;
    void *backend = deepstack_backend.open(&config, &labels, &err);
    static const uint8_t input[WIDTH * HEIGHT * 3];
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_true(deepstack_backend.detect(backend, input, boxes, &count, &err) < 0);
    assert_null(strstr(err.text, "secret-key"));
    deepstack_backend.close(backend);
    shutdown(peer.fd, SHUT_RDWR); /* nobody came */
    peer_finish(&peer);

    config.api_url = (char *)"file:///etc/passwd";
    backend = deepstack_backend.open(&config, &labels, &err);
    assert_true(deepstack_backend.detect(backend, input, boxes, &count, &err) < 0);
    deepstack_backend.close(backend);
    config.api_url = (char *)"";
    assert_null(deepstack_backend.open(&config, &labels, &err));
}

static void test_parsing(void **state)
{
#define P(label, score)                              \
    "{\"label\":\"" label "\",\"confidence\":" score \
    ",\"x_min\":0,\"y_min\":0,\"x_max\":1,\"y_max\":1}"
    static const struct {
        const char *json;
        unsigned count;
    } cases[] = {
        {"{\"predictions\":[]}", 0},
        {"{\"predictions\":[" P("person", "0.9") "," P("DOG", "0.5") "]}", 2},
        {"{\"predictions\":[" P("person", "0.9") "," P("car", "0.39") "," P("dog", "0.9") "]}", 1},
        {"{\"predictions\":[" P("dog", "0.9") "," P("unicorn", "0.8") "," P("car", "0.8") "]}", 1},
        {"{\"predictions\":[" P("car", "1") ",17]}", 1},
        {"{\"predictions\":[{\"label\":\"car\",\"confidence\":\"high\"}]}", 0},
    };
    const struct cfg_model model = {.width = WIDTH, .height = HEIGHT};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tensor_box boxes[TENSOR_MAX_BOXES];
        unsigned count = 99;
        struct err err = ERR_NONE;
        assert_int_equal(deepstack_parse(cases[i].json, strlen(cases[i].json), &model, &labels,
                                         boxes, &count, &err),
                         0);
        assert_int_equal(count, cases[i].count);
    }
    struct str many = {0};
    str_add(&many, "{\"predictions\":[" P("car", "0.9"));
    for (int i = 0; i < 200; i++) {
        str_add(&many, "," P("car", "0.9"));
    }
    str_add(&many, "]}");
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    struct err err = ERR_NONE;
    assert_int_equal(deepstack_parse(many.data, many.length, &model, &labels, boxes, &count, &err),
                     0);
    assert_int_equal(count, TENSOR_MAX_BOXES);
    str_finish(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_bad_servers),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_parsing),
    };
    return cmocka_run_group_tests_name("detector/deepstack", tests, NULL, NULL);
}
